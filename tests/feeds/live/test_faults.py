"""What goes wrong at a venue, and that every bar is there in the end. Times are the venue's; nothing waits for them."""

from collections.abc import Awaitable, Callable

import pytest

from scanner_app.domain.enums import GapCause, GapState
from scanner_app.feeds.demo_venue.connections import Limits
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.models import Bar, BarRevision, Gap
from tests import loops
from tests.feeds.live.story import MINUTE_MS, START_MS, Story, check, quick  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_server", "quick")]

ETH = "ETHUSDT"


def at(minutes: float) -> int:
    return START_MS + round(minutes * MINUTE_MS)


def fault(kind: FaultKind, first: float, until: float = 0, **more: object) -> Fault:
    return Fault(kind=kind, first_ms=at(first), until_ms=at(until) if until else 0, **more)  # type: ignore[arg-type]


def tell(story: Story, minutes: float, then: Callable[[], Awaitable[None]] | None = None) -> None:
    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(minutes)
            if then is not None:
                await then()
            await story.healed()

    loops.run(run())


@pytest.mark.parametrize(
    ("faults", "minutes", "late"),
    [
        pytest.param([fault(FaultKind.DROP, 1.5)], 4, 0, id="a connection drops within a minute"),
        pytest.param(
            [fault(FaultKind.DROP, 1.5), fault(FaultKind.REFUSE, 1.5, 5.2)],
            8,
            0,
            id="and new ones are refused for minutes",
        ),
        pytest.param([fault(FaultKind.CLOSE, 2)], 4, 0, id="a connection is closed at the full minute"),
        pytest.param([fault(FaultKind.SKIP, 2, 4)], 6, 0, id="the stream leaves out two bars"),
        pytest.param(
            [fault(FaultKind.SKIP, 2, 4, symbol=ETH)], 6, 0, id="the stream leaves out two bars of one symbol"
        ),
        pytest.param([fault(FaultKind.MUTE, 1.2, 4.7)], 7, 0, id="a connection lives and is mute"),
        pytest.param([fault(FaultKind.DUPLICATE, 1, 4)], 6, 0, id="bars come twice"),
        pytest.param([fault(FaultKind.DELAY, 2, 3, delay_s=70)], 6, 0, id="a bar comes after its successor"),
        pytest.param([fault(FaultKind.CORRECT, 1, 3, delay_s=5)], 6, 0, id="the stream corrects its bars"),
        pytest.param(
            [fault(FaultKind.SKIP, 2, 4), fault(FaultKind.LAG, 2, 4.1, delay_s=120)],
            8,
            2,
            id="history lags behind the stream",
        ),
        pytest.param(
            [fault(FaultKind.SKIP, 2, 4), fault(FaultKind.FAIL, 2, 5.5, status=429, retry_after_s=30)],
            9,
            2,
            id="history is refused with Retry-After while bars are missing",
        ),
        pytest.param(
            [fault(FaultKind.SKIP, 2, 4), fault(FaultKind.FAIL, 2, 5.5, status=418)],
            9,
            2,
            id="and without",
        ),
        pytest.param(
            [fault(FaultKind.SHUTDOWN, 1.8), fault(FaultKind.DROP, 2.5)], 5, 0, id="the venue says that it will end"
        ),
        pytest.param([fault(FaultKind.HALT, 2, 4)], 9, 0, id="nothing is traded"),
        pytest.param([fault(FaultKind.HALF_OPEN, 1.5)], 5.5, 0, id="the venue forgets its connections"),
    ],
)
def test_every_bar_is_there_once_in_order_with_its_last_values(faults: list[Fault], minutes: float, late: int) -> None:
    story = Story(symbols=("BTCUSDT", ETH), faults=faults, bars=20)

    tell(story, minutes)

    check(story, late=late)


def test_a_hole_is_in_the_ledger_with_its_cause_and_ends_refilled() -> None:
    story = Story(faults=[fault(FaultKind.SKIP, 2, 4)], bars=20)

    tell(story, 6)

    # One hole or two: the first bar may be refilled before the second is overdue.
    assert set(Gap.objects.values_list("state", "cause")) == {(GapState.REFILLED, GapCause.SILENCE)}
    assert sum(Gap.objects.values_list("missing", flat=True)) == 2
    assert sum(Gap.objects.values_list("refilled", flat=True)) == 2


def test_bars_that_a_venue_does_not_have_are_empty_in_the_ledger() -> None:
    story = Story(faults=[fault(FaultKind.HALT, 2, 4)], bars=20)

    tell(story, 9)

    gap = Gap.objects.get()
    assert (gap.state, gap.missing, gap.refilled) == (GapState.EMPTY, 2, 0)


def test_a_wrong_bar_that_comes_again_takes_the_values_of_history() -> None:
    story = Story(faults=[fault(FaultKind.CORRECT, 1, 2, delay_s=5)], bars=10)

    tell(story, 4)

    assert BarRevision.objects.count() == 1
    assert not Bar.objects.filter(late=True).exists()


def test_a_connection_is_renewed_before_its_end_without_a_hole() -> None:
    story = Story(limits=Limits(age_s=1.0), traits={"renew_after_s": 0.3}, bars=10)

    async def more() -> None:
        await story.until(lambda: story.venue.connected >= 4, "the connection was renewed three times")

    tell(story, 3, more)

    check(story)
    assert not Gap.objects.exists()
