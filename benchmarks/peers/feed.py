"""`python -m benchmarks.peers.feed MODULE`: send the bars of a plan (JSON, standard input) through one engine.

Run by the driver, in the engine's own environment.
"""

import importlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.peers.job import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """So many bars, of the symbols in turn."""

    symbols: list[str]
    bars: int  # of all symbols together
    first: int = 1  # number of each symbol's first bar
    rate: float = 0.0  # bars a second, evenly spread; 0: all at once
    fails: dict[str, int] = field(default_factory=dict)  # runs that fail, by the bar's number

    @property
    def text(self) -> str:
        """As the feed reads it."""
        return json.dumps(asdict(self))

    def bar(self, index: int) -> Bar:
        """A bar that is accepted now."""
        place, symbol = divmod(index, len(self.symbols))
        number = self.first + place
        fails = self.fails.get(str(number), 0)
        return Bar(symbol=self.symbols[symbol], number=number, accepted_at=time.time(), fails=fails)


def run(engine: Any, plan: Plan) -> float:
    """Send all bars, each when it is due; returns how late (s) the latest one was."""
    late_s = 0.0
    if not plan.rate:
        engine.send([plan.bar(index) for index in range(plan.bars)])
        return late_s
    began = time.monotonic()
    for index in range(plan.bars):
        if (early := began + index / plan.rate - time.monotonic()) > 0:
            time.sleep(early)
        late_s = max(late_s, -early)
        engine.send([plan.bar(index)])
    return late_s


if __name__ == "__main__":
    print(run(importlib.import_module(f"benchmarks.peers.{sys.argv[1]}"), Plan(**json.load(sys.stdin))))  # noqa: T201
