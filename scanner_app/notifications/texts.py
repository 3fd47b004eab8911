"""The texts that administrators read, as values: no Django, no clock, no I/O.

The first line of a body says in itself what it is about: a digest quotes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scanner_app.domain.explanation import actions, next_steps
from scanner_app.domain.wording import error_line
from scanner_app.domain.wording import one_line as _one_line
from scanner_app.domain.wording import plural as _plural
from scanner_app.domain.wording import readable as _readable

QUOTED_AT_MOST = 50
"""Symbols of a digest that come with their first line; further ones are only named."""

BY_ITSELF = "scanner"
"""Who closes a breaker when no operator does: the actor of the mailbox's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message without its link."""

    subject: str
    body: str

    @property
    def headline(self) -> str:
        """The first line."""
        return self.body.partition("\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEntry:
    """One message as a digest quotes it."""

    ticker: str
    at: datetime
    headline: str


def opened(
    *,
    ticker: str,
    timeframe: str,
    bar_time: datetime,
    failures: int,
    error: tuple[str, str],
    half_open_at: datetime,
    now: datetime,
) -> Text:
    """A breaker opened. `error` is the last failure's type and message."""
    error_type, message = error
    headline = error_line(error_type, message)
    whole = _readable(message)
    about = f"Bar: {timeframe}, {_utc(bar_time)}\nFailures in a row: {failures}, the last at {_utc(now)}"
    opens_again = next_steps.opens_again(half_open_at - now)
    next_ = next_steps.while_open(
        ticker=ticker,
        probe_from=_utc(half_open_at),
        probe="its first waiting bar",
        if_it_fails=f"{opens_again}, and so on",
    )
    follows = (
        f"What happens next: {next_} You are told when it closes, and of no further failures until then. "
        f"New bars of {ticker} are accepted and wait; no other symbol is affected."
    )
    acts = (
        f"What you can do: {actions.in_a_mail(('reset', 'skip', 'disable'))}: on its page, by the API, or with\n"
        f'  manage.py scanner reset|skip|disable {ticker} --reason "…"'
    )
    paragraphs = [headline, *([whole] if whole not in headline else []), about, follows, acts]
    return Text(
        subject=f"{ticker} processing failed {failures} {_plural('time', failures)}", body="\n\n".join(paragraphs)
    )


def recovered(*, ticker: str, failures: int, incident_at: datetime, by: str, now: datetime) -> Text:
    """A breaker closed. `by` is BY_ITSELF after a success, else the operator who reset it."""
    after = f"after {failures} {_plural('failure', failures)} in a row and {_duration(now - incident_at)}"
    if by == BY_ITSELF:
        headline = f"Its probe succeeded {after}."
        follows = f"The breaker is closed; {next_steps.worked_off(ticker)}."
    else:
        headline = f"{by} reset it {after}."
        follows = f"The breaker is closed, and the first waiting bar of {ticker} runs at once. Should it open again, "
        follows += "you are told."
    times = f"Trouble began: {_utc(incident_at)}\nIt ended: {_utc(now)}"
    return Text(subject=f"{ticker} recovered", body="\n\n".join([_one_line(headline), times, follows]))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """An alert, as far as its messages say something of it."""

    name: str  # its symbol or subject; empty: the whole
    title: str
    severity: str
    message: str
    runbook: str
    began_at: datetime


def fired(alert: AlertSummary, *, renew: timedelta) -> Text:
    """An alert began to fire; while it does, it is told again at the interval `renew`."""
    about = f"Severity: {alert.severity}\nSince: {_utc(alert.began_at)}"
    follows = (
        f"You are told when it is over, and once more every {_interval(renew)} until then, unless somebody "
        "acknowledges it (no more reminders) or silences it (nothing at all for a time): in the admin or by the API."
    )
    paragraphs = [_one_line(alert.message), about, _look_at(alert.runbook), follows]
    return Text(subject=_subject(alert.title, alert.name), body="\n\n".join(paragraphs))


def renewed(alert: AlertSummary, *, now: datetime) -> Text:
    """An alert still fires."""
    lasts = _duration(now - alert.began_at)
    about = f"Severity: {alert.severity}\nSince: {_utc(alert.began_at)}, for {lasts}"
    follows = "Acknowledge it to get no more reminders, or silence it for a time: in the admin or by the API."
    paragraphs = [_one_line(alert.message), about, _look_at(alert.runbook), follows]
    return Text(subject=_subject(f"still: {alert.title}", alert.name), body="\n\n".join(paragraphs))


def cleared(alert: AlertSummary, *, ended_at: datetime) -> Text:
    """An alert is over."""
    headline = f"Over after {_duration(ended_at - alert.began_at)}: {alert.title}."
    times = f"It began: {_utc(alert.began_at)}\nIt ended: {_utc(ended_at)}"
    paragraphs = [_one_line(headline), f"It said: {_one_line(alert.message)}", times]
    return Text(subject=_subject(f"over: {alert.title}", alert.name), body="\n\n".join(paragraphs))


def _subject(title: str, name: str) -> str:
    return _one_line(f"{name}: {title}" if name else title.capitalize())


def _look_at(runbook: str) -> str:
    return f"What it means, what to look at and what to do: the runbook, linked below ({runbook} in the repository)"


def digest_of_fired(named: Sequence[DigestEntry]) -> Text:
    """Many alerts began to fire."""
    closing = "The page of each alert leads to its rule's in the runbook. Many alerts at once often have one cause."
    return _digest_of_alerts(named, "began to fire", closing)


def digest_of_renewed(named: Sequence[DigestEntry]) -> Text:
    """Many alerts still fire."""
    return _digest_of_alerts(named, "still fire", "Acknowledge those that you know of to get no more reminders.")


def digest_of_cleared(named: Sequence[DigestEntry]) -> Text:
    """Many alerts are over."""
    return _digest_of_alerts(named, "are over", "")


def _digest_of_alerts(named: Sequence[DigestEntry], what: str, closing: str) -> Text:
    subject = f"{len(named)} alerts {what}"
    return Text(subject=subject, body="\n\n".join([f"{subject}.", _quoted(named), *([closing] if closing else [])]))


def digest_of_opened(named: Sequence[DigestEntry]) -> Text:
    """Many breakers opened."""
    count = len({one.ticker for one in named})
    closing = (
        "Each of these breakers lets one bar run as the probe, half a minute or whatever is set after its opening, and "
        "closes if it succeeds. No bar is lost: they wait. So many at once often have one cause that is none of the "
        "symbols' own: a deploy, a missing file, a full disk."
    )
    return Text(
        subject=f"{count} {_plural('symbol', count)}: processing failed",
        body="\n\n".join([f"The breakers of {count} {_plural('symbol', count)} opened.", _quoted(named), closing]),
    )


def digest_of_recovered(named: Sequence[DigestEntry]) -> Text:
    """Many breakers closed."""
    count = len({one.ticker for one in named})
    return Text(
        subject=f"{count} {_plural('symbol', count)} recovered",
        body="\n\n".join([f"The breakers of {count} {_plural('symbol', count)} closed.", _quoted(named)]),
    )


def _quoted(named: Sequence[DigestEntry]) -> str:
    lines = [f"- {one.ticker}, {one.at.astimezone(UTC):%H:%M:%S} UTC: {one.headline}" for one in named[:QUOTED_AT_MOST]]
    if rest := named[QUOTED_AT_MOST:]:
        lines.append("- and " + ", ".join(one.ticker for one in rest))
    return "\n".join(lines)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _interval(span: timedelta) -> str:
    one, _, unit = _duration(span).partition(" ")
    return unit if one == "1" and " " not in unit else f"{one} {unit}"  # "every hour", "every 1 hour 30 minutes"


def _duration(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            smaller = {"day": ("hour", 3_600), "hour": ("minute", 60), "minute": ("second", 1)}[unit]
            count, rest = seconds // size, seconds % size // smaller[1]
            return f"{count} {_plural(unit, count)}" + (f" {rest} {_plural(smaller[0], rest)}" if rest else "")
    return f"{seconds} {_plural('second', seconds)}"
