"""Ask traders' rules about a bar, after the detectors and in the same run.

A rule that raises is a failed rule: off for that series until it is changed, never a failure of the bar. What needs the
database is read before the rules are asked, so that an outage is an outage and no rule's failure.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from scanner_app.calendars import calendar_of, hours_if_made, hours_of
from scanner_app.detectors import Window
from scanner_app.domain import closing, hits
from scanner_app.domain.hits import State
from scanner_app.domain.tickers import CANARY
from scanner_app.domain.trading_hours import Hours
from scanner_app.domain.wording import error_line
from scanner_app.engine import rule_book
from scanner_app.engine.rule_book import Chosen, RuleInUse
from scanner_app.engine.window import moment, window_of
from scanner_app.mailbox import Ticket, sql
from scanner_app.mailbox.hits import Judged, NewFailure, NewHit, read_states
from scanner_app.models import Symbol
from scanner_app.trader_rules import Frame, values_of
from scanner_app.trader_rules.frames import Seen
from scanner_app.trader_rules.values import Needs
from scanner_app.workers import outages

log = structlog.get_logger(__name__)

FORMING = 1
"""Bars of a longer timeframe that may not be over yet when the bar is: all but the newest are."""


class RulesTooSlow(Exception):
    """The run's time was over while rules were asked: the bar goes on without them.

    As an outage it would be run again and again, for as long each time, and its symbol would stand still.
    """


def rules_for(ticket: Ticket) -> Chosen:
    """The rules that look at the ticket's series; none for the canary, which is on no watch list.

    An error of ours is logged, and the bar goes on without rules.
    """
    if ticket.message.ticker == CANARY:
        return rule_book.NONE
    try:
        return rule_book.current().rules_for(ticket.message.ticker, ticket.timeframe)
    except outages.IN_A_RUN:
        raise
    except Exception as exc:
        log.error("rules_not_read", **ticket.logged, exc_info=exc)
        return rule_book.NONE


def judge(chosen: Chosen, ticket: Ticket, window: Window, signals: Sequence[Seen], *, now: datetime) -> Judged | None:
    """What the rules say of the ticket's bar; None if there is nothing to store, and after an error of ours."""
    if ticket.replayed or not chosen.rules:
        return None
    try:
        return _judge(chosen, ticket, window, signals, now)
    except outages.IN_A_RUN:
        raise
    except Exception as exc:
        log.error("rules_not_asked", **ticket.logged, exc_info=exc)
        return None


def _judge(chosen: Chosen, ticket: Ticket, window: Window, signals: Sequence[Seen], now: datetime) -> Judged | None:
    """Late bars move no state, and only rules that ask for it are told of them."""
    rules = [rule for rule in chosen.rules if rule.tell_late] if ticket.late else chosen.rules
    if not rules:
        return None
    symbol_id = ticket.message.symbol_id
    frame = frame_of(symbol_id, window, signals, chosen.needs, _hours_if_made(ticket, chosen.needs, now))
    if ticket.late:
        return _judge_late(rules, ticket, frame, now)
    return answers(
        rules,
        frame,
        read_states(symbol_id, ticket.timeframe),
        bar_at=int(ticket.timestamp.timestamp()),
        tells=lambda rule: hits.is_told(ticket.timeframe, ticket.timestamp, rule.tell_within_s, now),
        failed=partial(_failed, ticket),
    )


def answers(
    rules: Sequence[RuleInUse],
    frame: Frame,
    before: Mapping[int, State],
    *,
    bar_at: int,
    tells: Callable[[RuleInUse], bool],
    failed: Callable[[RuleInUse, Exception], NewFailure],
) -> Judged | None:
    """What the rules say of the frame's bar, beside what they said `before` of its series; None: nothing is new.

    `bar_at` is the bar's opening (unix s). `tells`: whether the bar is young enough for a hit of the rule. `failed`
    makes the record of a rule that raised. Raises RulesTooSlow.
    """
    states: dict[int, State] = {}
    found: list[NewHit] = []
    failures: list[NewFailure] = []
    for rule in rules:
        state = before.get(rule.id)
        if state is not None and state.held is None and state.revision == rule.revision:  # it failed
            states[rule.id] = state
            continue
        try:
            held = rule.expression.holds(frame)
            state, hit = hits.following(
                state,
                revision=rule.revision,
                held=held,
                bar_at=bar_at,
                cooldown_s=rule.cooldown_s,
                tells=partial(tells, rule),
            )
            if hit:
                found.append(NewHit(rule.id, values_of(rule.expression, frame)))
        except SoftTimeLimitExceeded:
            raise RulesTooSlow from None
        except Exception as exc:  # noqa: BLE001 - whatever a rule raises is its own failure
            failures.append(failed(rule, exc))
            state = State(rule.revision, None)
        if state is not None:
            states[rule.id] = state
    changed = states != before
    return Judged(states if changed else None, found, failures) if changed or found else None


def _judge_late(rules: Sequence[RuleInUse], ticket: Ticket, frame: Frame, now: datetime) -> Judged | None:
    """A late bar has no bar before it to compare with: it is told whenever the condition holds."""
    found = []
    for rule in rules:
        try:
            told = hits.is_told(ticket.timeframe, ticket.timestamp, rule.tell_within_s, now)
            if told and rule.expression.holds(frame):
                found.append(NewHit(rule.id, values_of(rule.expression, frame)))
        except SoftTimeLimitExceeded:
            raise RulesTooSlow from None
        except Exception as exc:
            log.error("rule_failed", rule=rule.id, **ticket.logged, exc_info=exc)
    return Judged(hits=found) if found else None


def _failed(ticket: Ticket, rule: RuleInUse, error: Exception) -> NewFailure:
    log.error("rule_failed", rule=rule.id, **ticket.logged, exc_info=error)
    return NewFailure(rule.id, rule.revision, error_line(type(error).__name__, str(error)))


def _hours_if_made(ticket: Ticket, needs: Needs, now: datetime) -> Hours | None:
    """The trading hours of the ticket's symbol, if rules with these needs ask for them and the calendar is made.

    To make one takes seconds, which a bar does not wait. Until it is made, what needs it is not known: no hit, and no
    rule's state changes.
    """
    if not (needs.session or needs.others):
        return None
    hours = hours_if_made(calendar_of(ticket.message.ticker, ticket.calendar), now)
    return hours if hours.are_known else None


def hours_for(symbol_id: int, needs: Needs, now: datetime) -> Hours | None:
    """The same of a stored symbol; waits until its calendar is made, if need be."""
    if not (needs.session or needs.others):
        return None
    ticker, own = Symbol.objects.values_list("ticker", "calendar").get(pk=symbol_id)
    return hours_of(calendar_of(ticker, own), now)


def frame_of(
    symbol_id: int,
    window: Window,
    signals: Sequence[Seen],
    needs: Needs,
    hours: Hours | None,
    *,
    before: int | None = None,
    derived: Collection[str] = (),
) -> Frame:
    """What rules with these needs see of the window's last bar. `hours`: see `hours_for`.

    Without hours its session and the other series are not known.

    A run sees the bars that are finished. Afterwards there are more, so who asks of a stored bar says which of the
    others count: those with a sequence below `before`; or all, but of the `derived` timeframes none that the bar itself
    completed, since such a bar is made when its last base bar has been run.
    """
    return frame_from(window, signals, needs, hours, partial(sql.bars_up_to, symbol_id, before=before), derived=derived)


BarsUpTo = Callable[[str, datetime, int], Sequence[Sequence[Any]]]
"""The last so many bars of a symbol's timeframe that open before a time, newest first, as sql.bars_up_to has them."""


def frame_from(
    window: Window,
    signals: Sequence[Seen],
    needs: Needs,
    hours: Hours | None,
    bars_up_to: BarsUpTo,
    *,
    derived: Collection[str] = (),
) -> Frame:
    """The same with bars of the symbol's other series that come from anywhere."""
    if hours is None:
        return Frame(window, signals)
    opening = window.timestamps[-1].item().replace(tzinfo=UTC)
    end = closing.period_end(window.timeframe, opening, hours)
    others = {
        timeframe: Frame(other)
        for timeframe, bars in needs.others
        if (
            other := _other_window(bars_up_to, window.symbol, end, timeframe, bars, hours, derived=timeframe in derived)
        )
        is not None
    }
    return Frame(window, signals, others, hours.session_open(opening))


def _other_window(
    bars_up_to: BarsUpTo, ticker: str, end: datetime, timeframe: str, bars: int, hours: Hours, *, derived: bool
) -> Window | None:
    """The bars of another series that were over at `end`; None if there are none."""
    rows = bars_up_to(timeframe, end, bars + FORMING)
    ends = (closing.period_end(timeframe, moment(row[0]), hours) for row in rows)
    newest = next((place for place, ended in enumerate(ends) if ended < end or (ended == end and not derived)), None)
    if newest is None:
        return None
    return window_of(ticker, timeframe, rows[newest : newest + bars][::-1])
