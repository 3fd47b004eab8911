"""A feed of Alpaca: what goes wrong there, and that every bar is there in the end."""

import pytest

from scanner_app.domain.enums import GapState
from scanner_app.domain.feed_entries import parse_entry
from scanner_app.feeds.live.alpaca import Alpaca
from scanner_app.feeds.live.stored import Configured
from scanner_app.models import Bar, BarRevision, Gap
from tests import loops
from tests.feeds.live.alpaca_server import KEY, SECRET, AlpacaServer
from tests.feeds.live.story import MINUTE_MS, START_MS, Fault, FaultKind, Story, check, quick  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_server", "quick")]


class AlpacaStory(Story):
    """The same stories, in the middle of a session of New York's, with Alpaca's server and reader."""

    def __post_init__(self):
        super().__post_init__()
        self.venue = AlpacaServer(self.script, start_ms=START_MS)

    def configured(self):
        return [Configured(name="alpaca", entry=parse_entry("alpaca", "AAPL,MSFT@1m"))]

    def reader(self):
        return Alpaca(ws_url=self.venue.ws_url, rest_url=self.venue.rest_url, key_id=KEY, secret_key=SECRET)


def fault(kind, first, until=0.0, **more):
    first_ms, until_ms = (START_MS + round(minutes * MINUTE_MS) for minutes in (first, until))
    return Fault(kind=kind, first_ms=first_ms, until_ms=until_ms if until else 0, **more)


def told(minutes, *faults):
    story = AlpacaStory(symbols=("AAPL", "MSFT"), faults=faults, bars=20)

    async def run():
        async with story.running():
            await story.joined()
            await story.play(minutes)
            await story.healed()

    loops.run(run())
    return story


@pytest.mark.parametrize(
    ("faults", "minutes", "late"),
    [
        pytest.param([], 3, 0, id="nothing goes wrong"),
        pytest.param([fault(FaultKind.DROP, 1.5)], 4, 0, id="the connection drops within a minute"),
        pytest.param(
            [fault(FaultKind.DROP, 1.5), fault(FaultKind.REFUSE, 1.5, 4.2)],
            7,
            0,
            id="and new ones are refused for minutes",
        ),
        # Without a trade there is no bar, so what comes next does not wait for what is perhaps missing.
        pytest.param([fault(FaultKind.SKIP, 2, 4)], 6, 2, id="the stream leaves out two bars"),
        pytest.param([fault(FaultKind.MUTE, 1.2, 3.7)], 6, 3, id="the connection lives and is mute"),
        pytest.param([fault(FaultKind.DELAY, 2, 3, delay_s=70)], 6, 1, id="a bar comes after its successor"),
        pytest.param([fault(FaultKind.CORRECT, 1, 3, delay_s=25)], 6, 0, id="bars are corrected"),
        pytest.param([fault(FaultKind.HALT, 2, 4, symbol="MSFT")], 9, 0, id="nothing is traded"),
        pytest.param(
            [fault(FaultKind.SKIP, 2, 4), fault(FaultKind.FAIL, 2, 4.5, status=429, retry_after_s=20)],
            9,
            2,
            id="history is refused while bars are missing",
        ),
    ],
)
def test_every_bar_is_there_once_in_order_with_its_last_values(faults, minutes, late):
    story = told(minutes, *faults)

    check(story, late=late)


def test_a_correction_of_the_stream_is_a_revision():
    told(4, fault(FaultKind.CORRECT, 1, 2, symbol="MSFT", delay_s=25))

    assert [each.bar.symbol.ticker for each in BarRevision.objects.select_related("bar__symbol")] == ["MSFT"]
    assert not Bar.objects.filter(late=True).exists()


def test_minutes_without_a_trade_are_empty_in_the_ledger():
    told(9, fault(FaultKind.HALT, 2, 4, symbol="MSFT"))

    gap = Gap.objects.get()
    assert (gap.symbol.ticker, gap.state, gap.missing, gap.refilled) == ("MSFT", GapState.EMPTY, 2, 0)
