"""Judge the facts by the rules, and write down what has changed, with what is told of it, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from scanner_app.alerts import compose, lifecycle, notices
from scanner_app.alerts.lifecycle import Standing, State, Telling, Timing, Voice
from scanner_app.alerts.rules import RULES, Facts, Finding, Rule
from scanner_app.models import Alert, AlertState, Evaluation, NotificationKind
from scanner_app.models.alerts import ACTIVE, OPEN

log = structlog.get_logger(__name__)

STORED = ("state", "message", "fired_at", "clear_since", "cleared_at", "told_at", "muted_by")
"""What an evaluation changes of an alert; the rest is the operators'."""

Key = tuple[int | None, str]
"""An alert among those of its rule: symbol and subject."""


@dataclass(slots=True)
class Report:
    """What an evaluation came to."""

    superseded: bool = False  # somebody has judged later facts already
    complete: bool = True  # every rule could be judged
    errors: int = 0  # alerts of severity error that fire or are not over yet
    told: dict[str, int] = field(default_factory=dict)  # messages by kind

    def counts(self) -> dict[str, int]:
        """The numbers, for the log and the task's result."""
        return {"superseded": int(self.superseded), "complete": int(self.complete), "errors": self.errors, **self.told}


def run(facts: Facts, *, rules: Sequence[Rule] = tuple(RULES.values())) -> Report:
    """Judge `facts` and store what follows. Repeats safely, and any number may run at once.

    The first write is the lock and the check: of two that judge at once the second waits, and goes on only with
    facts that are later; then it sees what the first has stored. A rule that raises keeps its alerts as they are.
    """
    found = {rule.name: _found(rule, facts) for rule in rules}
    report = Report(complete=all(findings is not None for findings in found.values()))
    with transaction.atomic():
        later = Evaluation.objects.filter(pk=Evaluation.THE_ROW, evaluated_at__lt=facts.now)
        if later.update(evaluated_at=facts.now, complete=report.complete) != 1:
            return Report(superseded=True)
        change = _Change(now=facts.now)
        for rule in rules:
            findings = found[rule.name]
            if findings is None:
                change.leave(rule)
            else:
                change.judge(rule, findings)
        report.told = change.store()
    report.errors = change.errors
    return report


def _found(rule: Rule, facts: Facts) -> dict[Key, Finding] | None:
    """What the rule finds; None if the facts don't tell."""
    try:
        findings = rule.find(facts)
        return None if findings is None else {finding.key: finding for finding in findings}
    except Exception:  # one rule's bug must not blind the others
        log.exception("rule_failed", rule=rule.name)
        return None


def timing_of(rule: Rule) -> Timing:
    """The rule's times."""
    return Timing(
        for_=timedelta(seconds=rule.for_s),
        clear=timedelta(seconds=rule.clear_s),
        renew=timedelta(seconds=rule.renew_s),
    )


class _Change:
    """What one evaluation changes: collected rule by rule, the muting ones first, then written in bulk."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now
        self.errors = 0
        self._open: dict[str, dict[Key, Alert]] = {}
        for alert in Alert.objects.filter(state__in=OPEN).select_related("symbol"):
            self._open.setdefault(alert.rule, {})[(alert.symbol_id, alert.subject)] = alert
        self._fires: dict[str, set[str]] = {}  # by rule: the subjects of its alerts that fire, "" for the whole
        self._new: list[Alert] = []
        self._changed: list[Alert] = []
        self._gone: list[int] = []
        self._tellings: list[tuple[Rule, Alert, Telling, str]] = []  # with the symbol or subject
        self._silences: dict[tuple[str, int | None, str], Alert] | None = None

    def leave(self, rule: Rule) -> None:
        """Nobody knows whether the rule holds: its alerts stay as they are, and go on to mute others."""
        for alert in self._open.get(rule.name, {}).values():
            self._note(rule, alert)

    def judge(self, rule: Rule, found: dict[Key, Finding]) -> None:
        """Advance the rule's alerts: those that are open, and those that begin."""
        alerts = self._open.get(rule.name, {})
        for key in [*alerts, *(key for key in found if key not in alerts)]:
            self._advance(rule, alerts.get(key), found.get(key))

    def _advance(self, rule: Rule, alert: Alert | None, finding: Finding | None) -> None:
        timing = timing_of(rule)
        after = lifecycle.advance(_standing(alert), holds=finding is not None, timing=timing, now=self.now)
        if after is None:
            if alert is not None:
                self._gone.append(alert.pk)
            return
        if alert is None:
            alert = self._begin(rule, finding)
        before = [getattr(alert, name) for name in STORED]
        alert.state, alert.fired_at = AlertState(after.state), after.fired_at
        alert.clear_since, alert.cleared_at = after.clear_since, after.cleared_at
        if finding is not None:
            alert.muted_by = self._muted_by(rule, finding)
        telling = lifecycle.telling(after.state, self._voice(alert), timing=timing, now=self.now)
        if finding is not None and (telling is not None or alert.state != before[0]):
            # As it is when it fires or is told: kept up to date, it would be a write a look for each symbol.
            alert.message = finding.message
        if telling is not None:
            ticker = finding.ticker if finding is not None else alert.symbol.ticker if alert.symbol else ""
            self._tellings.append((rule, alert, telling, ticker or alert.subject))
            alert.told_at = self.now
        if alert.pk is None:
            self._new.append(alert)
        elif before != [getattr(alert, name) for name in STORED]:
            self._changed.append(alert)
        self._note(rule, alert)

    def _begin(self, rule: Rule, finding: Finding | None) -> Alert:
        if finding is None:
            raise ValueError(f"{rule.name}: an alert begins with a finding")
        return Alert(
            rule=rule.name,
            severity=rule.severity,
            symbol_id=finding.symbol_id,
            subject=finding.subject,
            message=finding.message,
            began_at=self.now,
            **self._silence_of(rule.name, finding.key),
        )

    def _silence_of(self, rule: str, key: Key) -> dict[str, Any]:
        """A silence outlives the alert that it was put on: what swings is silenced for the whole time."""
        if self._silences is None:
            rows = Alert.objects.filter(silenced_until__gt=self.now, state=AlertState.RESOLVED).order_by("id")
            self._silences = {(row.rule, row.symbol_id, row.subject): row for row in rows}
        row = self._silences.get((rule, *key))
        if row is None:
            return {}
        names = ("silenced_until", "silenced_by", "silence_reason")
        return {name: getattr(row, name) for name in names}

    def _voice(self, alert: Alert) -> Voice:
        return Voice(
            told_at=alert.told_at,
            acknowledged=alert.acknowledged_at is not None,
            silenced=alert.is_silenced(self.now),
            muted=bool(alert.muted_by),
        )

    def _muted_by(self, rule: Rule, finding: Finding) -> str:
        """The stronger rule that explains it: one that fires of the whole, of its symbol, or of what it is within."""
        explaining = {"", finding.within, str(finding.symbol_id)}
        for stronger in rule.muted_by:
            subjects = self._fires.get(stronger, set())
            if subjects & explaining or (subjects and finding.symbol_id is None):
                return stronger
        return ""

    def _note(self, rule: Rule, alert: Alert) -> None:
        if alert.state not in ACTIVE:
            return
        self._fires.setdefault(rule.name, set()).add(alert.subject if alert.symbol_id is None else str(alert.symbol_id))
        self.errors += alert.severity == "error"

    def store(self) -> dict[str, int]:
        """Write it; returns how many messages were written, by kind, not counting channels."""
        # ignore_conflicts would hide a second open alert, which the lock has made impossible.
        Alert.objects.bulk_create(self._new)
        Alert.objects.bulk_update(self._changed, STORED, batch_size=500)
        if self._gone:
            Alert.objects.filter(pk__in=self._gone, state=AlertState.PENDING).delete()
        told: dict[str, int] = {}
        for rule, alert, telling, _ in self._tellings:
            told[telling] = told.get(telling, 0) + 1
            severity, subject = alert.severity, alert.subject
            log.warning(
                "alert", alert=telling.value, rule=rule.name, severity=severity, subject=subject, said=alert.message
            )
        notices.write([self._notice(*one) for one in self._tellings], self.now)
        return told

    def _notice(self, rule: Rule, alert: Alert, telling: Telling, name: str) -> notices.Notice:
        return notices.Notice(
            kind=NotificationKind(telling.value),
            text=self._text(rule, alert, telling, name),
            symbol_id=alert.symbol_id,
            alert_id=alert.pk,
        )

    def _text(self, rule: Rule, alert: Alert, telling: Telling, name: str) -> compose.Text:
        told = compose.Told(
            name=name,
            title=rule.title,
            severity=alert.severity,
            message=alert.message,
            runbook=rule.runbook,
            began_at=alert.began_at,
        )
        if telling is Telling.CLEARED:
            return compose.cleared(told, ended_at=alert.clear_since or self.now)
        if telling is Telling.RENEWED:
            return compose.renewed(told, now=self.now)
        return compose.fired(told, renew=timing_of(rule).renew)


def _standing(alert: Alert | None) -> Standing | None:
    if alert is None:
        return None
    return Standing(
        state=State(alert.state),
        began_at=alert.began_at,
        fired_at=alert.fired_at,
        clear_since=alert.clear_since,
        cleared_at=alert.cleared_at,
    )
