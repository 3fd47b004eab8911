"""The texts that administrators read, as values: no Django, no clock, no I/O.

The first line of a body can be understood alone, because a digest quotes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import Severity
from scanner_app.domain.explanation import actions, next_steps
from scanner_app.domain.incidents import Failing
from scanner_app.domain.wording import clock, counted, error_line, one_line, plural, readable, span

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
    severity: str = Severity.ERROR


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
    about = (
        f"Severity: error\nBar: {timeframe}, {clock(bar_time)}\nFailures in a row: {failures}, the last at {clock(now)}"
    )
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


def incident(
    *,
    detector: str,
    error_type: str,
    place: str,
    began_at: datetime,
    failing: Sequence[Failing],
    more: bool,
    off_by: str | None,
) -> Text:
    """A detector fails on many symbols. `more`: others were told before. `off_by`: who has switched it off."""
    symbols = f"{len(failing)}{' more' if more else ''} {plural('symbol', len(failing))}"
    where = f" at {place}" if place else ""
    headline = one_line(f"Detector {detector} fails on {symbols} with {error_type}{where}.")
    about = f"Severity: error\nSince: {clock(began_at)}"
    lines = "\n".join(
        f"- {one.ticker} processing failed {counted(one.times, 'time')}, the last at {clock(one.last_at)}"
        for one in failing
    )
    if off_by is None:
        follows = (
            "What happens next: each symbol's bar is retried, and no bar is lost: they wait. What you can do: mend the "
            "detector and restart; or switch it off, on the page of detectors or through the API. Then the symbols go "
            "on without it, and it makes up for what it missed when it is on again."
        )
    else:
        who = "It was switched off by itself" if off_by == SCANNER else f"It was switched off by {off_by}"
        follows = (
            f"{who}: the symbols go on without it, and it makes up for what it missed when it is on again. The page of "
            "detectors shows its state."
        )
    closing = "You get no message about each of these symbols, and one when this is over."
    return Text(
        subject=one_line(f"Detector {detector} fails on {symbols}"),
        body="\n\n".join([headline, about, lines, follows, closing]),
    )


def incident_over(*, detector: str, error_type: str, began_at: datetime, lasted: timedelta, off: bool) -> Text:
    """A detector fails no more on many symbols. `off`: because it is switched off."""
    why = ": it is switched off" if off else ""
    headline = f"Detector {detector} has stopped failing with {error_type} after {span(lasted.total_seconds())}{why}."
    return Text(
        subject=one_line(f"over: detector {detector} fails on many symbols"),
        body="\n\n".join([one_line(headline), f"It began: {clock(began_at)}"]),
    )


DRILL = "This is a drill. Its symbol is the scanner's own: none of yours has failed, and nothing needs to be done."


def of_drill(text: Text) -> Text:
    """A breaker's message about the canary, so marked that nobody takes it for trouble: its severity is info."""
    body = text.body.replace(f"Severity: {Severity.ERROR}\n", f"Severity: {Severity.INFO}\n", 1)
    return Text(subject=f"DRILL: {text.subject}", body=f"{DRILL}\n\n{body}")


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
    return Text(subject=_subject(alert, ""), body="\n\n".join(paragraphs))


def renewed(alert: AlertSummary, *, now: datetime) -> Text:
    """An alert still fires."""
    lasts = span((now - alert.began_at).total_seconds())
    about = f"Severity: {alert.severity}\nSince: {clock(alert.began_at)}, for {lasts}"
    paragraphs = [one_line(alert.message), about, _look_at(alert.runbook), HOW_TO_STOP]
    return Text(subject=_subject(alert, "still: "), body="\n\n".join(paragraphs))


def cleared(alert: AlertSummary, *, ended_at: datetime) -> Text:
    """An alert is over."""
    headline = f"Over after {span((ended_at - alert.began_at).total_seconds())}: {alert.title}."
    times = f"Severity: {alert.severity}\nIt began: {clock(alert.began_at)}\nIt ended: {clock(ended_at)}"
    paragraphs = [one_line(headline), f"Its message was: {one_line(alert.message)}", times]
    return Text(subject=_subject(alert, "over: "), body="\n\n".join(paragraphs))


def _subject(alert: AlertSummary, how: str) -> str:
    """The severity first: a phone shows a few words of a subject. `how`: "", "still: " or "over: "."""
    title = f"{alert.name}: {how}{alert.title}" if alert.name else f"{how}{alert.title}"
    return one_line(f"{alert.severity}: {title}")


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
    counted_alerts = f"{len(named)} alerts {what}"
    found = sorted({one.severity for one in named}, key=_rank)
    counts = ", ".join(f"{sum(one.severity == severity for one in named)} {severity}" for severity in found)
    quoted = _quoted(sorted(named, key=lambda one: _rank(one.severity)), with_severity=True)
    return Text(
        subject=f"{found[0]}: {counted_alerts}",
        body="\n\n".join([f"{counted_alerts}: {counts}.", quoted, *([closing] if closing else [])]),
    )


def _rank(severity: str) -> int:
    """To sort by: the worst severity first."""
    return -list(Severity).index(Severity(severity))


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
        body="\n\n".join(
            [f"The breakers of {count} {plural('symbol', count)} opened. Severity: error.", _quoted(named), closing]
        ),
    )


def digest_of_recovered(named: Sequence[DigestEntry]) -> Text:
    """Many breakers closed."""
    count = len({one.ticker for one in named})
    return Text(
        subject=f"{count} {plural('symbol', count)} recovered",
        body="\n\n".join([f"The breakers of {count} {plural('symbol', count)} closed.", _quoted(named)]),
    )


def _quoted(named: Sequence[DigestEntry], *, with_severity: bool = False) -> str:
    lines = [
        f"- {f'{one.severity}, ' if with_severity else ''}{one.ticker}, {clock(one.at, one.at)}: {one.headline}"
        for one in named[:QUOTED_AT_MOST]
    ]
    if rest := named[QUOTED_AT_MOST:]:
        lines.append("- and " + ", ".join(one.ticker for one in rest))
    return "\n".join(lines)
