"""Apply the alert rules to the facts, and store what has changed: alerts together with their notifications."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from scanner_app.alerts import lifecycle
from scanner_app.alerts.lifecycle import NotifyContext, Progress, Timing
from scanner_app.domain.alert_rules import RULES, Facts, Finding, Rule
from scanner_app.domain.enums import FIRED_STATES, OPEN_STATES, AlertState, NotificationKind, Severity
from scanner_app.models import Alert, Evaluation
from scanner_app.notifications import outbox, texts, trigger
from scanner_app.notifications.silences import Silences
from scanner_app.reading.status import OVERDUE_AFTER, is_overdue

log = structlog.get_logger(__name__)

PROGRESS_COLUMNS = ("state", "began_at", "fired_at", "clear_since", "cleared_at", "told_at", "muted_by")
"""Columns that an evaluation usually sets to the same values for many alerts."""

EVALUATION_COLUMNS = (*PROGRESS_COLUMNS, "message")
"""All columns of an alert that an evaluation changes; operators change the others."""

BATCH_SIZE = 50
"""Alerts stored by one transaction, which takes 25 ms. SQLite has one write lock, and every bar waits for it: with a
thousand alerts in one transaction it was held for 1.7 to 3 s, and a worker gives up after 3.3 s."""

Key = tuple[int | None, str]
"""What identifies an alert within its rule: symbol id and subject."""


@dataclass(slots=True)
class EvaluationResult:
    """What an evaluation found and did."""

    superseded: bool = False  # another evaluation has judged later facts already
    complete: bool = True  # every rule could be judged
    errors: int = 0  # alerts of severity error that fire or are not over yet
    notified: Counter[str] = field(default_factory=Counter)  # notifications by kind, each counted once for all channels

    def counts(self) -> dict[str, int]:
        """The numbers, for the log and the task's result."""
        numbers = {"superseded": int(self.superseded), "complete": int(self.complete), "errors": self.errors}
        return {**numbers, **self.notified}


def run(facts: Facts, *, rules: Sequence[Rule] = tuple(RULES.values())) -> EvaluationResult:
    """Apply the rules to `facts` and store the result. Safe to repeat, and safe to run several times at once.

    The evaluation's row is the lock and the check. Of two evaluations at the same time the second waits for the row.
    It goes on only if its facts are later, or if the clock was set back; then it sees what the first has stored.
    Each batch checks again that the row still has the time of its facts, so that the first evaluation stores nothing
    once the second has begun. After a crash the next evaluation does the rest, since everything it needs is stored.
    A rule that raises leaves its alerts as they are.
    """
    found = {rule.name: _findings(rule, facts) for rule in rules}
    result = EvaluationResult(complete=all(findings is not None for findings in found.values()))
    the_row = Evaluation.objects.filter(pk=Evaluation.THE_ROW)
    newer = Q(evaluated_at__lt=facts.now) | Q(evaluated_at__gt=facts.now + OVERDUE_AFTER)
    with transaction.atomic():
        if the_row.filter(newer).update(evaluated_at=facts.now, complete=result.complete) != 1:
            return EvaluationResult(superseded=True)
        unwatched = facts.evaluated_at is not None and is_overdue(facts.evaluated_at, facts.now)
        changes = _EvaluationChanges(now=facts.now, unwatched=unwatched)
    for rule in rules:
        findings = found[rule.name]
        if findings is None:
            changes.keep(rule)
        else:
            changes.judge(rule, findings)
    changes.resolve_unknown_rules({*RULES, *found})
    result.errors = changes.errors
    to_send = False
    for batch in changes.batches():
        with transaction.atomic():
            if the_row.filter(evaluated_at=facts.now).update(evaluated_at=facts.now) != 1:
                result.superseded = True
                break
            to_send |= batch.store(facts.now)
        batch.write_log()
        result.notified += batch.notified()
    if to_send:
        # Once, and not for each batch: a broker that hangs costs a second each time.
        trigger.trigger_after_commit()
    return result


def _findings(rule: Rule, facts: Facts) -> dict[Key, Finding] | None:
    """What the rule finds; None if the facts don't show it, or if the rule raises."""
    try:
        findings = rule.find(facts)
        return None if findings is None else {finding.key: finding for finding in findings}
    except Exception:  # one rule's bug must not blind the others
        log.exception("rule_failed", rule=rule.name)
        return None


def timing_of(rule: Rule) -> Timing:
    """The rule's times, as the life of an alert needs them."""
    return Timing(
        for_=timedelta(seconds=rule.for_s),
        clear=timedelta(seconds=rule.clear_s),
        renew=timedelta(seconds=rule.renew_s),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlertNotification:
    """The notification about an alert."""

    rule: Rule
    kind: NotificationKind
    name: str  # the symbol or subject
    text: texts.Text


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlertChange:
    """An alert that is new or has changed, with its notification if one is due."""

    alert: Alert
    is_new: bool = False
    notification: _AlertNotification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What one transaction writes: alerts with their notifications, so that none is lost and none sent twice."""

    changes: Sequence[_AlertChange] = ()
    never_fired: Sequence[int] = ()  # ids of pending alerts whose rule no longer holds

    def store(self, now: datetime) -> bool:
        """Write it; returns whether there is something to send. Runs inside the caller's transaction."""
        Alert.objects.bulk_create([change.alert for change in self.changes if change.is_new])
        self._update([change.alert for change in self.changes if not change.is_new])
        if self.never_fired:
            Alert.objects.filter(pk__in=self.never_fired, state=AlertState.PENDING).delete()
        drafts = [_draft(change.alert, change.notification) for change in self.changes if change.notification]
        return outbox.store(drafts, now)

    @staticmethod
    def _update(alerts: Sequence[Alert]) -> None:
        # Not all columns by bulk_update: a CASE of 50 rows for each of 7 columns takes 100 ms, this takes 25 ms.
        same_values: dict[tuple[Any, ...], list[int]] = {}
        for alert in alerts:
            same_values.setdefault(tuple(getattr(alert, name) for name in PROGRESS_COLUMNS), []).append(alert.pk)
        for values, pks in same_values.items():
            Alert.objects.filter(pk__in=pks).update(**dict(zip(PROGRESS_COLUMNS, values, strict=True)))
        Alert.objects.bulk_update(alerts, ["message"])

    def notified(self) -> Counter[str]:
        """How many notifications it writes, by kind."""
        return Counter(change.notification.kind.value for change in self.changes if change.notification)

    def write_log(self) -> None:
        """Log a line for each notification. Call it after the commit."""
        for change in self.changes:
            if change.notification:
                log.warning(
                    "alert",
                    kind=change.notification.kind.value,
                    rule=change.alert.rule,
                    severity=change.alert.severity,
                    subject=change.notification.name,
                    text=change.alert.message,
                )


class _EvaluationChanges:
    """What one evaluation changes: collected rule by rule, muting rules first, and written in batches.

    Create it while holding the evaluation's lock: only then does it see all that earlier evaluations have stored.
    """

    def __init__(self, *, now: datetime, unwatched: bool) -> None:
        self.now = now
        self.unwatched = unwatched  # nobody evaluated the rules just before: the scanner stood still
        self.errors = 0
        self._open: dict[str, dict[Key, Alert]] = {}
        for alert in Alert.objects.filter(state__in=OPEN_STATES).select_related("symbol"):
            self._open.setdefault(alert.rule, {})[(alert.symbol_id, alert.subject)] = alert
        self._firing: dict[str, set[str]] = {}  # by rule: subjects of firing alerts, "" for the whole scanner
        self._changes: list[_AlertChange] = []
        self._never_fired: list[int] = []
        self._in_force = Silences.load(now)
        self._silences: dict[tuple[str, int | None, str], Alert] | None = None

    def keep(self, rule: Rule) -> None:
        """Keep the rule's alerts as they are, still muting others: whether the rule holds is unknown."""
        for alert in self._open.get(rule.name, {}).values():
            self._record_firing(rule, alert)

    def judge(self, rule: Rule, found: dict[Key, Finding]) -> None:
        """Move the rule's alerts on: the open ones, and new ones for new findings."""
        alerts = self._open.get(rule.name, {})
        for key in [*alerts, *(key for key in found if key not in alerts)]:
            self._advance(rule, key, alerts.get(key), found.get(key))

    def resolve_unknown_rules(self, known: set[str]) -> None:
        """Resolve alerts of rules that no longer exist, since nothing would ever judge them. No notification."""
        for rule, alerts in self._open.items():
            if rule not in known:
                for alert in alerts.values():
                    self._resolve_without_notification(alert)

    def _resolve_without_notification(self, alert: Alert) -> None:
        alert.state, alert.clear_since, alert.cleared_at = AlertState.RESOLVED, self.now, self.now
        self._changes.append(_AlertChange(alert=alert))

    def _advance(self, rule: Rule, key: Key, alert: Alert | None, finding: Finding | None) -> None:
        timing = timing_of(rule)
        after = lifecycle.advance(
            _progress_of(alert), holds=finding is not None, timing=timing, now=self.now, unwatched=self.unwatched
        )
        if after is None:
            if alert is not None and alert.is_silenced(self.now) and not self._silence_of(rule.name, key):
                # Not deleted: its row holds the silence, which must outlast this alert.
                self._resolve_without_notification(alert)
            elif alert is not None:
                self._never_fired.append(alert.pk)
            return
        is_new = alert is None
        if alert is None:
            alert = self._new_alert(rule, finding)
        before = [getattr(alert, name) for name in EVALUATION_COLUMNS]
        alert.state, alert.began_at, alert.fired_at = AlertState(after.state), after.began_at, after.fired_at
        alert.clear_since, alert.cleared_at = after.clear_since, after.cleared_at
        if finding is not None:
            alert.muted_by = self._muted_by(rule, finding)
        kind = lifecycle.notification_due(after.state, self._notify_context(alert), timing=timing, now=self.now)
        if finding is not None and (kind is not None or alert.state != before[0] or rule.says_cause):
            # Only now: a message that is always the newest would cost each evaluation a write for each alert.
            # So it is worded as what was then: pages show it beside the figures of now. A cause seldom changes.
            alert.message = finding.kept or finding.message
        notification = None
        if kind is not None:
            ticker = finding.ticker if finding is not None else alert.symbol.ticker if alert.symbol else ""
            name = ticker or alert.subject
            notification = _AlertNotification(rule=rule, kind=kind, name=name, text=self._text(rule, alert, kind, name))
            alert.told_at = self.now
        if is_new or before != [getattr(alert, name) for name in EVALUATION_COLUMNS]:
            self._changes.append(_AlertChange(alert=alert, is_new=is_new, notification=notification))
        self._record_firing(rule, alert)

    def _new_alert(self, rule: Rule, finding: Finding | None) -> Alert:
        if finding is None:
            raise ValueError(f"{rule.name}: a new alert needs a finding")
        return Alert(
            rule=rule.name,
            severity=rule.severity,
            symbol_id=finding.symbol_id,
            subject=finding.subject,
            message=finding.kept or finding.message,
            began_at=self.now,
            **self._silence_of(rule.name, finding.key),
        )

    def _silence_of(self, rule: str, key: Key) -> dict[str, Any]:
        """The silence columns of an earlier alert with the same key; empty without one that still lasts.

        A silence outlasts its alert, so that a condition that comes and goes stays silenced for the whole time.
        """
        if self._silences is None:
            rows = Alert.objects.filter(silenced_until__gt=self.now, state=AlertState.RESOLVED).order_by("id")
            self._silences = {(row.rule, row.symbol_id, row.subject): row for row in rows}
        row = self._silences.get((rule, *key))
        if row is None:
            return {}
        names = ("silenced_until", "silenced_by", "silence_reason")
        return {name: getattr(row, name) for name in names}

    def _notify_context(self, alert: Alert) -> NotifyContext:
        return NotifyContext(
            notified_at=alert.told_at,
            acknowledged=alert.acknowledged_at is not None,
            silenced=alert.is_silenced(self.now) or self._in_force.find(alert.rule, alert.symbol_id) is not None,
            muted=bool(alert.muted_by),
        )

    def _muted_by(self, rule: Rule, finding: Finding) -> str:
        """The stronger rule that explains the finding, empty without one.

        Such a rule fires for the whole scanner, for the finding's symbol, or for the finding's stronger subject.
        """
        explaining = {"", finding.stronger_subject, str(finding.symbol_id)}
        for stronger in rule.muted_by:
            subjects = self._firing.get(stronger, set())
            if subjects & explaining or (subjects and finding.symbol_id is None):
                return stronger
        return ""

    def _record_firing(self, rule: Rule, alert: Alert) -> None:
        if alert.state not in FIRED_STATES:
            return
        subject = alert.subject if alert.symbol_id is None else str(alert.symbol_id)
        self._firing.setdefault(rule.name, set()).add(subject)
        self.errors += alert.severity == Severity.ERROR

    def batches(self) -> Iterator[_Batch]:
        """What is to be written, in the order in which it was judged."""
        for start in range(0, len(self._changes), BATCH_SIZE):
            yield _Batch(changes=self._changes[start : start + BATCH_SIZE])
        for start in range(0, len(self._never_fired), BATCH_SIZE):
            yield _Batch(never_fired=self._never_fired[start : start + BATCH_SIZE])

    def _text(self, rule: Rule, alert: Alert, kind: NotificationKind, name: str) -> texts.Text:
        summary = texts.AlertSummary(
            name=name,
            title=rule.title,
            severity=alert.severity,
            message=alert.message,
            runbook=rule.runbook,
            began_at=alert.began_at,
        )
        if kind is NotificationKind.CLEARED:
            return texts.cleared(summary, ended_at=alert.clear_since or self.now)
        if kind is NotificationKind.RENEWED:
            return texts.renewed(summary, now=self.now)
        return texts.fired(summary, renew=timing_of(rule).renew)


def _draft(alert: Alert, notification: _AlertNotification) -> outbox.NotificationDraft:
    return outbox.NotificationDraft(
        kind=notification.kind,
        severity=Severity(alert.severity),
        text=notification.text,
        symbol_id=alert.symbol_id,
        alert_id=alert.pk,
    )


def _progress_of(alert: Alert | None) -> Progress | None:
    if alert is None:
        return None
    return Progress(
        state=AlertState(alert.state),
        began_at=alert.began_at,
        fired_at=alert.fired_at,
        clear_since=alert.clear_since,
        cleared_at=alert.cleared_at,
    )
