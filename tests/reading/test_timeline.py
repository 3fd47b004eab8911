"""What happened, as the timeline shows it: of a symbol, and of a bar from its acceptance to its end."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.domain.enums import EventKind
from scanner_app.models import Bar, ProcessingFailure, QuarantinedBar, SymbolEvent
from scanner_app.reading import timeline
from tests.conftest import T0, accept_days, fail_head, live_message, new_bar, start_head

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)
GAP = Finding("gaps", "GAP", Direction.BULLISH, 0.5)


def lines_of(symbol):
    """The symbol's timeline, newest first, without its creation."""
    return timeline.lines(list(timeline.events().filter(symbol_id=symbol.pk).order_by("-id")))[:-1]


def story_of(sequence=1):
    """The story of a bar from its beginning."""
    return timeline.story(Bar.objects.get(sequence=sequence))[::-1]


def kinds_of(lines):
    return [(line.kind, line.after_s) for line in lines]


def test_the_story_of_a_good_bar(dispatched_head):
    _, ticket = dispatched_head()
    mailbox.complete(ticket, [GAP], now=T0 + 0.031 * SECOND)

    story = story_of()

    assert [(line.id, line.kind, line.after_s) for line in story] == [
        (1, "accepted", None),
        (2, "processed", 0.031),
        (3, "signal", 0),
    ]
    assert [line.sentence for line in story] == [
        "Accepted as number 1.",
        "Processed by attempt 1, 31 ms after it was accepted.",
        "Signal GAP, bullish, strength 0.5, by gaps.",
    ]
    assert {line.bar for line in story} == {Bar.objects.get().pk}


def test_a_bars_story_is_newest_first(dispatched_head):
    dispatched_head()
    mailbox.complete(start_head(SymbolEvent.objects.get().symbol), [], now=T0 + SECOND)

    assert [line.id for line in timeline.story(Bar.objects.get())] == [2, 1]


def test_a_late_bar_says_so(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.complete(ticket, [], now=T0)
    mailbox.accept([new_bar(day=-5)], now=T0)

    assert story_of(3)[0].sentence == "Accepted as number 3, late: a newer bar of its series is known."
    assert symbol.ticker == "TSLA"


def test_the_story_of_a_bar_that_failed_opened_the_breaker_and_recovered(dispatched_head):
    symbol, _ = dispatched_head()
    third = fail_head(symbol, 3)
    mailbox.complete(start_head(symbol, now=third + 30 * SECOND), [], now=third + 30 * SECOND)

    story = story_of()

    assert kinds_of(story) == [
        ("accepted", None),
        ("failed", 0),
        ("failed", 1),
        ("failed", 2),
        ("opened", 0),
        ("processed", 30),
        ("closed", 0),
    ]
    first, _, last = [line for line in story if line.kind == "failed"]
    assert first.sentence == "Attempt 1 failed: ValueError: no good. The next attempt was due 1 s later."
    assert last.sentence == (
        "Attempt 3 failed: ValueError: no good. The next attempt was due 4 s later; the breaker delayed it to 30 s."
    )
    assert (last.attempt, last.retry_delay_s, last.next_attempt_at) == (3, 4, third + 30 * SECOND)
    assert ProcessingFailure.objects.get(pk=last.failure).attempt == 3
    assert story[5].sentence == (
        "Processed by attempt 4, 33 s after it was accepted; it waited during a pause of its symbol."
    )


def test_the_story_of_a_bar_that_used_up_its_retries_was_replayed_failed_and_was_given_up(symbol):
    accept_days("TSLA", 2)
    mailbox.complete(start_head(symbol), [], now=T0)
    at = fail_head(symbol, 7)
    mailbox.control_passed(live_message(symbol), now=at + SECOND)
    mailbox.replay(QuarantinedBar.objects.get(), by="olga", reason="mended", now=at + 2 * SECOND)
    mailbox.fail(start_head(symbol, now=at + 40 * SECOND), ValueError("no better"), now=at + 40 * SECOND)
    mailbox.discard(QuarantinedBar.objects.get(resolution=""), by="olga", now=at + 50 * SECOND)

    story = timeline.story(Bar.objects.get(timestamp=new_bar(day=1).timestamp))[::-1]

    assert kinds_of(story)[-7:] == [
        ("reopened", 0),
        ("control", 0),
        ("quarantined", 1),
        ("replayed", 1),
        ("failed", 38),
        ("quarantined", 0),
        ("discarded", 10),
    ]
    assert story[-5].sentence == (
        "The 1d bar of 2024-01-02 went into quarantine: its retries are used up, and the control run on the "
        "last good bar succeeded."
    )
    assert [line.sentence for line in story[-6:] if line is not story[-5]] == [
        "Its retries were used up: a control run on the last good bar was requested.",
        "olga replayed the 1d bar of 2024-01-02: mended.",
        "Attempt 1 failed: ValueError: no better.",
        "The 1d bar of 2024-01-02 went into quarantine: its replay failed.",
        "olga discarded the 1d bar of 2024-01-02.",
    ]
    assert story[0].kind == "failed", "when it was first accepted is not known any more, and so not shown"


def test_an_unusable_bar_asks_for_no_control_run(dispatched_head):
    _, ticket = dispatched_head()

    mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0 + SECOND)

    assert kinds_of(story_of()) == [("accepted", None), ("failed", 1), ("quarantined", 0)]


def test_new_values_for_a_bar_in_quarantine_are_part_of_its_story(dispatched_head):
    _, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0)
    mailbox.accept([new_bar(close=10.5)], now=T0 + SECOND)

    story = story_of(2)

    assert kinds_of(story) == [("failed", None), ("quarantined", 0), ("replaced", 1)]
    assert story[-1].sentence == "New values arrived for the 1d bar of 2024-01-01, so it was accepted again."


def test_the_story_of_a_bar_that_an_operator_skipped(dispatched_head):
    symbol, _ = dispatched_head()
    mailbox.reset(symbol, by="olga", now=T0 + SECOND)
    mailbox.skip(symbol, by="olga", reason="bad print", now=T0 + 2 * SECOND)

    assert kinds_of(story_of()) == [("accepted", None), ("reset", 1), ("quarantined", 1), ("skipped", 0)]


@pytest.fixture
def holding(symbol):
    """A symbol that holds, and has failed five times since."""
    accept_days("TSLA", 2)
    mailbox.complete(start_head(symbol), [], now=T0)
    failed_at = fail_head(symbol, 7)
    mailbox.control_failed(live_message(symbol), reason="the control run failed too: OSError: no file", now=failed_at)
    return symbol, fail_head(symbol, 5, now=failed_at)


def test_the_failures_of_a_hold_are_one_line_that_counts(holding):
    symbol, last = holding

    newest, held = lines_of(symbol)[:2]

    assert (newest.kind, newest.at, newest.times, newest.attempt) == ("reopened", last, 6, 12)
    assert newest.sentence == (
        "The probe failed, the breaker stays open: TSLA processing failed 12 times. Attempt 12 failed, like the "
        "5 attempts before it: ValueError: no good. The next attempt was due 30 s later."
    )
    assert held.sentence == (
        "On hold: the 1d bar of 2024-01-02 is not at fault, because the control run failed too: OSError: no file."
    )
    assert [line.kind for line in story_of(2)].count("failed") == 7


def test_a_symbols_lines_have_the_attempts_that_they_tell_of(dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 3)

    opened, _, first = lines_of(symbol)

    assert [line.kind for line in (opened, first)] == ["opened", "paused"]
    assert first.sentence == (
        "Paused: TSLA processing failed 1 time. Attempt 1 failed: ValueError: no good. The next attempt was due "
        "1 s later."
    )
    assert (opened.attempt, opened.times, opened.error_type, opened.message) == (3, 1, "ValueError", "no good")
    assert (opened.retry_delay_s, opened.next_attempt_at) == (4, T0 + 33 * SECOND)
    assert opened.failure == ProcessingFailure.objects.latest("id").pk


def test_a_failed_replay_is_told_with_its_error(dispatched_head):
    symbol, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0)
    mailbox.reset(symbol, by="olga", now=T0)
    mailbox.replay(QuarantinedBar.objects.get(), by="olga", now=T0)
    mailbox.fail(start_head(symbol), ValueError("no better"), now=T0 + SECOND)

    assert lines_of(symbol)[0].sentence == (
        "The 1d bar of 2024-01-01 went into quarantine: its replay failed. Attempt 1 failed: ValueError: no better."
    )


SAID = {
    EventKind.CREATED: "olga added the symbol: why not.",
    EventKind.PAUSED: "Paused: why not.",
    EventKind.OPENED: "The breaker opened: why not.",
    EventKind.REOPENED: "The probe failed, the breaker stays open: why not.",
    EventKind.CLOSED: "The probe, the 1d bar of 2024-01-01, succeeded, and the breaker closed why not.",
    EventKind.RECOVERED: "The 1d bar of 2024-01-01 succeeded why not.",
    EventKind.HELD: "On hold: the 1d bar of 2024-01-01 is not at fault, because why not.",
    EventKind.QUARANTINED: "The 1d bar of 2024-01-01 went into quarantine: why not.",
    EventKind.REPLAYED: "olga replayed the 1d bar of 2024-01-01: why not.",
    EventKind.DISCARDED: "olga discarded the 1d bar of 2024-01-01: why not.",
    EventKind.REPLACED: "New values arrived for the 1d bar of 2024-01-01, so it was accepted again.",
    EventKind.RESET: "olga reset the symbol: why not.",
    EventKind.SKIPPED: "olga skipped the 1d bar of 2024-01-01: why not.",
    EventKind.ENABLED: "olga enabled the symbol: why not.",
    EventKind.DISABLED: "olga disabled the symbol: why not.",
    EventKind.DELETED: "olga deleted the symbol: why not.",
    EventKind.LANE: "Moved why not.",
}


@pytest.mark.parametrize(("kind", "sentence"), SAID.items())
def test_every_kind_of_event_has_its_sentence(dispatched_head, kind, sentence):
    symbol, ticket = dispatched_head()
    SymbolEvent.objects.create(
        symbol=symbol,
        kind=kind,
        at=T0,
        actor="olga",
        reason="why\nnot",
        bar_id=ticket.bar_id,
    )

    assert lines_of(symbol)[0].sentence == sentence


@pytest.mark.parametrize(
    ("calendar", "by", "reason", "sentence"),
    [
        ("XNYS", "olga", "", "olga set its trading calendar to XNYS."),
        ("24/5", "scanner", "that of its market", "The scanner set its trading calendar to 24/5: that of its market."),
    ],
)
def test_another_trading_calendar_is_named(symbol, calendar, by, reason, sentence):
    mailbox.set_calendar(symbol, calendar, by=by, now=T0, reason=reason)

    assert lines_of(symbol)[0].sentence == sentence


def test_a_calendar_that_is_given_back_is_that_of_the_settings(symbol):
    mailbox.set_calendar(symbol, "XNYS", by="olga", now=T0)
    mailbox.set_calendar(symbol, "", by="olga", now=T0, reason="a mistake")

    assert lines_of(symbol)[0].sentence == "olga set its trading calendar to the one from the settings: a mistake."


def test_one_failure_is_not_in_a_row(dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 1)
    mailbox.complete(start_head(symbol, now=T0 + SECOND), [], now=T0 + SECOND)

    assert lines_of(symbol)[0].sentence == "The 1d bar of 2024-01-01 succeeded after 1 failure."


def test_no_kind_of_event_is_without_a_sentence():
    assert set(EventKind) <= set(timeline.SENTENCES)


def test_braces_in_a_reason_are_no_places_to_fill_in(symbol):
    mailbox.disable(symbol, by="{bar}", reason="{0} {reason}", now=T0)

    assert lines_of(symbol)[0].sentence == "{bar} disabled the symbol: {0} {reason}."


def test_an_event_whose_bar_is_gone_is_told_without_it(symbol):
    SymbolEvent.objects.create(symbol=symbol, kind=EventKind.SKIPPED, at=T0, actor="olga")

    assert lines_of(symbol)[0].sentence == "olga skipped the bar."


def test_another_symbols_failure_at_the_same_moment_is_not_taken_for_this_ones(dispatched_head):
    symbol, _ = dispatched_head("TSLA")
    other, _ = dispatched_head("AAPL")
    fail_head(symbol, 1, error=ValueError("mine"))
    fail_head(other, 1, error=ValueError("its own"))

    assert (lines_of(symbol)[0].message, lines_of(other)[0].message) == ("mine", "its own")


def test_the_number_of_queries_does_not_grow_with_the_lines(dispatched_head):
    symbol, _ = dispatched_head(waiting=3)
    fail_head(symbol, 2)
    page = timeline.events().filter(symbol_id=symbol.pk)

    with CaptureQueriesContext(connection) as few:
        timeline.lines(list(page.all()))
    fail_head(symbol, 5)
    mailbox.skip(symbol, by="olga", now=T0)
    with CaptureQueriesContext(connection) as many:
        lines = timeline.lines(list(page.all()))
    with CaptureQueriesContext(connection) as of_a_bar:
        timeline.story(Bar.objects.get(sequence=1))

    assert len(lines) > 8
    assert len(few) == len(many) == 2
    assert len(of_a_bar) <= 4
