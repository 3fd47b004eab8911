"""The check at the end of `benchmarks.recovery`: what is wrong with a venue's bars is found, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.feed_account import Account
from benchmarks.venue import Made
from scanner_app.domain.bars import VALUES
from scanner_app.models import Bar, Gap, Signal, Symbol

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MADE = Made(["AUSDT"], "1s")


@pytest.fixture
def bars():
    """Five bars as they should be, the last of them after the span that is looked at."""
    symbol = Symbol.objects.create(ticker="AUSDT")
    for place in range(5):
        at = FIRST + place * SECOND
        kline = MADE.kline("AUSDT", "1s", round(at.timestamp() * 1000))
        bar = Bar.objects.create(
            symbol=symbol,
            timeframe="1s",
            timestamp=at,
            **{name: getattr(kline, name) for name in VALUES},
            sequence=place + 1,
            status="processed",
            accepted_at=at + SECOND,
            finished_at=at + 2 * SECOND,
        )
        Signal.objects.create(
            symbol=symbol, bar=bar, timeframe="1s", timestamp=at, detector="witness", pattern="seen",
            direction="neutral", strength=0, created_at=at + 2 * SECOND,
        )  # fmt: skip
    return Bar.objects.order_by("sequence")


def account():
    return Account(MADE, "1s", FIRST, FIRST + 4 * SECOND)


def test_bars_that_are_as_the_venue_has_them_have_no_fault(bars):
    found = account()

    assert (found.faults, found.bars, found.late, found.holes) == ([], 4, 0, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda bars: bars[1].delete(), "14:00:01+00:00 is missing", id="a bar is missing"),
        pytest.param(lambda bars: _set(bars[1], close=1.5), "other values than the venue's", id="other values"),
        pytest.param(lambda bars: _set(bars[1], status="quarantined"), "is quarantined", id="not processed"),
        pytest.param(lambda bars: _set(bars[1], assumed=True), "is assumed", id="assumed"),
        pytest.param(lambda bars: bars[1].signals.all().delete(), "has no signal", id="without its signal"),
        pytest.param(lambda bars: _set(bars[1], sequence=9), "not in order", id="numbered after its successors"),
        pytest.param(
            lambda bars: _set(bars[1], finished_at=FIRST + 9 * SECOND), "not in order", id="done after its successors"
        ),
    ],
)
def test_what_is_wrong_with_a_bar_is_said(bars, change, words):
    change(bars)

    assert [words in text for text in account().faults] == [True]


@pytest.mark.parametrize(("state", "refilled"), [("open", 0), ("empty", 0), ("refilled", 1)])
def test_a_hole_that_is_not_refilled_is_said(bars, state, refilled):
    Gap.objects.create(
        symbol=bars[0].symbol, timeframe="1s", first=FIRST, last=FIRST + SECOND, missing=2, refilled=refilled,
        found_at=FIRST, cause="start", state=state,
    )  # fmt: skip

    assert account().faults == [f"AUSDT: the hole of {FIRST} is {state}: {refilled} of 2 bars"]


def _set(bar, **values):
    Bar.objects.filter(pk=bar.pk).update(**values)
