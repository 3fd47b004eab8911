"""Rules to copy. They are in ready_made.toml, in the order in which they are shown; docs/rules.md shows them too."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A rule to copy."""

    name: str
    meaning: str
    expression: str
    timeframes: tuple[str, ...]
    in_default_set: bool = False
    """Whether it is one of the few that a new user is offered at once: rare enough to be read each time."""


def _read() -> tuple[ReadyMade, ...]:
    text = (Path(__file__).parent / "ready_made.toml").read_text(encoding="utf-8")
    return tuple(ReadyMade(**{**one, "timeframes": tuple(one["timeframes"])}) for one in tomllib.loads(text)["rule"])


READY_MADE: Final = _read()

DEFAULT_SET: Final = tuple(one for one in READY_MADE if one.in_default_set)
