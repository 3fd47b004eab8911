"""A feed of ccxt, with an exchange that has ccxt's interface: every closed bar is asked for, and there in the end."""

from datetime import UTC, datetime

import pytest

from scanner_app.domain.enums import GapState
from scanner_app.domain.feed_entries import parse_entry
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.live.ccxt import Ccxt
from scanner_app.feeds.live.stored import Configured
from scanner_app.models import Gap
from tests import loops
from tests.feeds.live.story import MINUTE_MS, START_MS, Story, check, quick  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_server", "quick")]

SYMBOLS = ("BTC/USDT", "ETH/USDT")


class NetworkError(Exception):
    """As in ccxt."""


class Exchange:
    """An exchange whose bars are those of a script: it reads the script's history, the forming bar included."""

    timeframes = {"1m": "1m"}

    def __init__(self, script, start_ms):
        self.script = script
        self.now_ms = start_ms
        self.asked = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_exc):
        pass

    async def advance(self, now_ms):
        self.now_ms = now_ms

    async def fetch_ohlcv(self, symbol, timeframe, since):
        self.asked += 1
        if self.script.active(FaultKind.FAIL, self.now_ms):
            raise NetworkError("no answer")
        found = self.script.history(symbol, timeframe, since, since + 500 * MINUTE_MS, self.now_ms)
        return [[each.open_ms, each.open, each.high, each.low, each.close, each.volume] for each in found]

    async def close(self):
        pass


class CcxtStory(Story):
    """The same stories, with an exchange instead of a server."""

    def __post_init__(self):
        super().__post_init__()
        self.venue = Exchange(self.script, START_MS)

    def configured(self):
        return [Configured(name="ccxt.kraken", entry=parse_entry("ccxt.kraken", f"{','.join(self.symbols)}@1m"))]

    def reader(self):
        return Ccxt(
            "ccxt.kraken",
            opened=lambda _name: self.venue,
            now=lambda: datetime.fromtimestamp(self.venue.now_ms / 1000, UTC),
        )


def fault(kind, first, until, **more):
    return Fault(
        kind=kind, first_ms=START_MS + round(first * MINUTE_MS), until_ms=START_MS + round(until * MINUTE_MS), **more
    )


def told(minutes, *faults):
    story = CcxtStory(symbols=SYMBOLS, faults=faults, bars=20)

    async def run():
        async with story.running():
            await story.joined()
            await story.play(minutes)
            await story.healed()
            if story.venue.now_ms % MINUTE_MS < 12_000:  # the last bar is due some seconds after its end
                await story.play(0.2)

    loops.run(run())
    return story


@pytest.mark.parametrize(
    ("faults", "minutes"),
    [
        pytest.param([], 4, id="nothing goes wrong"),
        pytest.param([fault(FaultKind.LAG, 1, 3, delay_s=20)], 5, id="bars are there some seconds later"),
        pytest.param([fault(FaultKind.FAIL, 1.1, 3.4)], 7, id="no answers for minutes"),
        pytest.param([fault(FaultKind.HALT, 1, 3, symbol="ETH/USDT")], 7, id="nothing is traded"),
    ],
)
def test_every_closed_bar_is_there_once_in_order(faults, minutes):
    story = told(minutes, *faults)

    check(story)


def test_a_bar_that_is_there_when_it_is_due_costs_one_question():
    story = told(4)

    first = len(SYMBOLS)  # the warm-up
    assert story.venue.asked - first <= 4 * len(SYMBOLS) + 2
    assert not Gap.objects.exists()


def test_minutes_without_a_bar_are_empty_in_the_ledger():
    told(7, fault(FaultKind.HALT, 1, 3, symbol="ETH/USDT"))

    traded_again = datetime.fromtimestamp((START_MS + 3 * MINUTE_MS) / 1000, UTC)
    silent = Gap.objects.filter(symbol__ticker="ETH/USDT", first__lt=traded_again)
    assert {gap.state for gap in silent} == {GapState.EMPTY}
    # On a busy machine the script's clock may be ahead of a question: that bar was late, and is there in the end.
    assert {gap.state for gap in Gap.objects.exclude(pk__in=silent)} <= {GapState.REFILLED}
