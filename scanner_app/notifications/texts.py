"""The texts that administrators read, as values: no Django, no clock, no I/O.

The first line of a body can be understood alone, because a digest quotes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.explanation import actions, next_steps
from scanner_app.domain.wording import clock, error_line, one_line, plural, readable, span

QUOTED_AT_MOST = 50
"""Notifications that a digest quotes with their first line; of further ones it only names the symbol."""

HOW_TO_STOP = (
    "Acknowledge the alert to stop the reminders, or silence it to stop all its messages for a time: in the admin or "
    "through the API."
)


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
    """One notification as a digest quotes it."""

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
    whole = readable(message)
    about = f"Bar: {timeframe}, {clock(bar_time)}\nFailures in a row: {failures}, the last at {clock(now)}"
    opens_again = next_steps.opens_again(half_open_at - now)
    then = next_steps.while_open(
        ticker=ticker,
        probe_from=clock(half_open_at),
        probe="its first waiting bar",
        if_it_fails=f"{opens_again}, and so on",
    )
    follows = (
        f"What happens next: {then} You get one more message when the breaker closes, and none about further "
        f"failures until then. New bars of {ticker} are accepted and wait; other symbols are not affected."
    )
    choices = (
        f"What you can do: {actions.in_a_mail(('reset', 'skip', 'disable'))}: on the symbol's page, through the API, "
        "or with\n"
        f'  manage.py scanner reset|skip|disable {ticker} --reason "…"'
    )
    paragraphs = [headline, *([whole] if whole not in headline else []), about, follows, choices]
    return Text(
        subject=f"{ticker} processing failed {failures} {plural('time', failures)}", body="\n\n".join(paragraphs)
    )


def recovered(*, ticker: str, failures: int, incident_at: datetime, by: str, now: datetime) -> Text:
    """A breaker closed. `by` is SCANNER after a success, else the operator who reset it."""
    after = f"after {failures} {plural('failure', failures)} in a row and {span((now - incident_at).total_seconds())}"
    if by == SCANNER:
        headline = f"The probe succeeded {after}."
        follows = f"The breaker is closed; {next_steps.worked_off(ticker)}."
    else:
        headline = f"{by} reset the symbol {after}."
        follows = (
            f"The breaker is closed, and the first waiting bar of {ticker} runs at once. If the breaker opens again, "
            "you get a message."
        )
    times = f"Trouble began: {clock(incident_at)}\nIt ended: {clock(now)}"
    return Text(subject=f"{ticker} recovered", body="\n\n".join([one_line(headline), times, follows]))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """The facts of an alert that its messages name."""

    name: str  # its symbol or subject; empty: the whole scanner
    title: str
    severity: str
    message: str
    runbook: str
    began_at: datetime


def fired(alert: AlertSummary, *, renew: timedelta) -> Text:
    """An alert began to fire; while it fires, a reminder is sent at the interval `renew`."""
    about = f"Severity: {alert.severity}\nSince: {clock(alert.began_at)}"
    follows = (
        f"You get a message when the alert is over, and a reminder every {span(renew.total_seconds())} until then. "
        f"{HOW_TO_STOP}"
    )
    paragraphs = [one_line(alert.message), about, _look_at(alert.runbook), follows]
    return Text(subject=_subject(alert.title, alert.name), body="\n\n".join(paragraphs))


def renewed(alert: AlertSummary, *, now: datetime) -> Text:
    """An alert still fires."""
    lasts = span((now - alert.began_at).total_seconds())
    about = f"Severity: {alert.severity}\nSince: {clock(alert.began_at)}, for {lasts}"
    paragraphs = [one_line(alert.message), about, _look_at(alert.runbook), HOW_TO_STOP]
    return Text(subject=_subject(f"still: {alert.title}", alert.name), body="\n\n".join(paragraphs))


def cleared(alert: AlertSummary, *, ended_at: datetime) -> Text:
    """An alert is over."""
    headline = f"Over after {span((ended_at - alert.began_at).total_seconds())}: {alert.title}."
    times = f"It began: {clock(alert.began_at)}\nIt ended: {clock(ended_at)}"
    paragraphs = [one_line(headline), f"Its message was: {one_line(alert.message)}", times]
    return Text(subject=_subject(f"over: {alert.title}", alert.name), body="\n\n".join(paragraphs))


def _subject(title: str, name: str) -> str:
    return one_line(f"{name}: {title}" if name else title.capitalize())


def _look_at(runbook: str) -> str:
    return (
        f"The runbook says what it means, what to look at and what to do: see the link below ({runbook} in the "
        "repository)."
    )


def digest_of_fired(named: Sequence[DigestEntry]) -> Text:
    """Many alerts began to fire."""
    closing = "Each alert's page links to its rule's page in the runbook. Many alerts at once often have one cause."
    return _digest_of_alerts(named, "began to fire", closing)


def digest_of_renewed(named: Sequence[DigestEntry]) -> Text:
    """Many alerts still fire."""
    return _digest_of_alerts(named, "still fire", "Acknowledge the alerts that you know about to stop their reminders.")


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
        "After its recovery time (30 s unless set otherwise), each breaker lets one bar run as the probe, and closes "
        "if the probe succeeds. No bar is lost: they wait. When many breakers open at once, the cause often lies "
        "outside the symbols: a deploy, a missing file, a full disk."
    )
    return Text(
        subject=f"{count} {plural('symbol', count)}: processing failed",
        body="\n\n".join([f"The breakers of {count} {plural('symbol', count)} opened.", _quoted(named), closing]),
    )


def digest_of_recovered(named: Sequence[DigestEntry]) -> Text:
    """Many breakers closed."""
    count = len({one.ticker for one in named})
    return Text(
        subject=f"{count} {plural('symbol', count)} recovered",
        body="\n\n".join([f"The breakers of {count} {plural('symbol', count)} closed.", _quoted(named)]),
    )


def _quoted(named: Sequence[DigestEntry]) -> str:
    lines = [f"- {one.ticker}, {clock(one.at, one.at)}: {one.headline}" for one in named[:QUOTED_AT_MOST]]
    if rest := named[QUOTED_AT_MOST:]:
        lines.append("- and " + ", ".join(one.ticker for one in rest))
    return "\n".join(lines)
