"""Judge the facts by the rules, and write down what has changed, each alert with what is told of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from scanner_app.alerts import lifecycle
from scanner_app.alerts.lifecycle import Standing, Timing, Voice
from scanner_app.domain.alert_rules import RULES, Facts, Finding, Rule
from scanner_app.domain.enums import FIRED_STATES, OPEN_STATES, AlertState, NotificationKind
from scanner_app.models import Alert, Evaluation
from scanner_app.notifications import outbox, texts, trigger
from scanner_app.reading.status import SILENT_AFTER

log = structlog.get_logger(__name__)

ALIKE = ("state", "began_at", "fired_at", "clear_since", "cleared_at", "told_at", "muted_by")
"""What an evaluation changes of many alerts in the same way."""

STORED = (*ALIKE, "message")
"""All that an evaluation changes of an alert; the rest is the operators'."""

CHUNK = 50
"""Alerts that one transaction stores: 25 ms. SQLite's one write lock is held as long, and every bar waits for it; with
a thousand alerts in one transaction it was 1.7 to 3 s, and after 3.3 s a worker gives up."""

Key = tuple[int | None, str]
"""An alert among those of its rule: symbol and subject."""


@dataclass(slots=True)
class Report:
    """What an evaluation came to."""

    superseded: bool = False  # somebody has judged later facts already
    complete: bool = True  # every rule could be judged
    errors: int = 0  # alerts of severity error that fire or are not over yet
    told: Counter[str] = field(default_factory=Counter)  # messages by kind, not counting channels

    def counts(self) -> dict[str, int]:
        """The numbers, for the log and the task's result."""
        return {"superseded": int(self.superseded), "complete": int(self.complete), "errors": self.errors, **self.told}


def run(facts: Facts, *, rules: Sequence[Rule] = tuple(RULES.values())) -> Report:
    """Judge `facts` and store what follows. Repeats safely, and any number may run at once.

    The row of the evaluation is the lock and the check: of two that judge at once the second waits, and goes on only
    with facts that are later, or by a clock that was set back; then it sees what the first has stored. Whoever stores
    asks for each chunk anew whether the row is still at its facts, so that the first stores nothing behind the
    second's back. What a crash leaves undone is done by the next evaluation, since all that it goes by is stored.
    A rule that raises keeps its alerts as they are.
    """
    found = {rule.name: _found(rule, facts) for rule in rules}
    report = Report(complete=all(findings is not None for findings in found.values()))
    the_row = Evaluation.objects.filter(pk=Evaluation.THE_ROW)
    newer = Q(evaluated_at__lt=facts.now) | Q(evaluated_at__gt=facts.now + SILENT_AFTER)
    with transaction.atomic():
        if the_row.filter(newer).update(evaluated_at=facts.now, complete=report.complete) != 1:
            return Report(superseded=True)
        change = _Change(now=facts.now)
    for rule in rules:
        findings = found[rule.name]
        if findings is None:
            change.leave(rule)
        else:
            change.judge(rule, findings)
    change.end_unknown({*RULES, *found})
    report.errors = change.errors
    to_send = False
    for chunk in change.chunks():
        with transaction.atomic():
            if the_row.filter(evaluated_at=facts.now).update(evaluated_at=facts.now) != 1:
                report.superseded = True
                break
            to_send |= chunk.store(facts.now)
        chunk.write_log()
        report.told += chunk.told()
    if to_send:
        # Once, and not for each chunk: a broker that hangs costs a second each time.
        trigger.trigger_after_commit()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What is told of an alert."""

    rule: Rule
    telling: NotificationKind
    name: str  # the symbol or subject
    text: texts.Text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """An alert that begins or has changed, with what is told of it."""

    alert: Alert
    begins: bool = False
    message: _Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What is written in one transaction: each alert with its messages, so that none is lost and none told twice."""

    steps: Sequence[_Step] = ()
    gone: Sequence[int] = ()  # alerts that never fired

    def store(self, now: datetime) -> bool:
        """Write it; returns whether there is something to send. Runs inside the caller's transaction."""
        Alert.objects.bulk_create([step.alert for step in self.steps if step.begins])
        self._update([step.alert for step in self.steps if not step.begins])
        if self.gone:
            Alert.objects.filter(pk__in=self.gone, state=AlertState.PENDING).delete()
        return outbox.store([_notice(step.alert, step.message) for step in self.steps if step.message], now)

    @staticmethod
    def _update(alerts: Sequence[Alert]) -> None:
        # Not all columns by bulk_update: a CASE of 50 rows for each of 7 columns takes 100 ms, this 25.
        alike: dict[tuple[Any, ...], list[int]] = {}
        for alert in alerts:
            alike.setdefault(tuple(getattr(alert, name) for name in ALIKE), []).append(alert.pk)
        for values, pks in alike.items():
            Alert.objects.filter(pk__in=pks).update(**dict(zip(ALIKE, values, strict=True)))
        Alert.objects.bulk_update(alerts, ["message"])

    def told(self) -> Counter[str]:
        """How many messages it tells, by kind."""
        return Counter(step.message.telling.value for step in self.steps if step.message)

    def write_log(self) -> None:
        """A line for each message: to be called after the commit."""
        for step in self.steps:
            if step.message:
                log.warning(
                    "alert",
                    kind=step.message.telling.value,
                    rule=step.alert.rule,
                    severity=step.alert.severity,
                    of=step.message.name,
                    said=step.alert.message,
                )


class _Change:
    """What one evaluation changes: collected rule by rule, the muting ones first, to be written in chunks.

    To be made under the evaluation's lock: then it has seen all that those before it have stored.
    """

    def __init__(self, *, now: datetime) -> None:
        self.now = now
        self.errors = 0
        self._open: dict[str, dict[Key, Alert]] = {}
        for alert in Alert.objects.filter(state__in=OPEN_STATES).select_related("symbol"):
            self._open.setdefault(alert.rule, {})[(alert.symbol_id, alert.subject)] = alert
        self._fires: dict[str, set[str]] = {}  # by rule: the subjects of its alerts that fire, "" for the whole
        self._steps: list[_Step] = []
        self._gone: list[int] = []
        self._silences: dict[tuple[str, int | None, str], Alert] | None = None

    def leave(self, rule: Rule) -> None:
        """Nobody knows whether the rule holds: its alerts stay as they are, and go on to mute others."""
        for alert in self._open.get(rule.name, {}).values():
            self._note(rule, alert)

    def judge(self, rule: Rule, found: dict[Key, Finding]) -> None:
        """Advance the rule's alerts: those that are open, and those that begin."""
        alerts = self._open.get(rule.name, {})
        for key in [*alerts, *(key for key in found if key not in alerts)]:
            self._advance(rule, key, alerts.get(key), found.get(key))

    def end_unknown(self, known: set[str]) -> None:
        """End, without a word, the alerts of rules that there are no more: nobody would ever judge them."""
        for rule, alerts in self._open.items():
            if rule not in known:
                for alert in alerts.values():
                    self._end(alert)

    def _end(self, alert: Alert) -> None:
        """Without a word."""
        alert.state, alert.clear_since, alert.cleared_at = AlertState.RESOLVED, self.now, self.now
        self._steps.append(_Step(alert=alert))

    def _advance(self, rule: Rule, key: Key, alert: Alert | None, finding: Finding | None) -> None:
        timing = timing_of(rule)
        after = lifecycle.advance(_standing(alert), holds=finding is not None, timing=timing, now=self.now)
        if after is None:
            if alert is not None and alert.is_silenced(self.now) and not self._silence_of(rule.name, key):
                self._end(alert)  # it is kept for the silence that was put on it, which is to outlive it
            elif alert is not None:
                self._gone.append(alert.pk)
            return
        begins = alert is None
        if alert is None:
            alert = self._begin(rule, finding)
        before = [getattr(alert, name) for name in STORED]
        alert.state, alert.began_at, alert.fired_at = AlertState(after.state), after.began_at, after.fired_at
        alert.clear_since, alert.cleared_at = after.clear_since, after.cleared_at
        if finding is not None:
            alert.muted_by = self._muted_by(rule, finding)
        telling = lifecycle.telling(after.state, self._voice(alert), timing=timing, now=self.now)
        if finding is not None and (telling is not None or alert.state != before[0]):
            # As it is when it fires or is told: kept up to date, it would be a write a look for each symbol.
            alert.message = finding.message
        message = None
        if telling is not None:
            ticker = finding.ticker if finding is not None else alert.symbol.ticker if alert.symbol else ""
            name = ticker or alert.subject
            message = _Message(rule=rule, telling=telling, name=name, text=self._text(rule, alert, telling, name))
            alert.told_at = self.now
        if begins or before != [getattr(alert, name) for name in STORED]:
            self._steps.append(_Step(alert=alert, begins=begins, message=message))
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
        if alert.state not in FIRED_STATES:
            return
        self._fires.setdefault(rule.name, set()).add(alert.subject if alert.symbol_id is None else str(alert.symbol_id))
        self.errors += alert.severity == "error"

    def chunks(self) -> Iterator[_Chunk]:
        """What is to be written, in the order in which it was judged."""
        for start in range(0, len(self._steps), CHUNK):
            yield _Chunk(steps=self._steps[start : start + CHUNK])
        for start in range(0, len(self._gone), CHUNK):
            yield _Chunk(gone=self._gone[start : start + CHUNK])

    def _text(self, rule: Rule, alert: Alert, telling: NotificationKind, name: str) -> texts.Text:
        told = texts.AlertSummary(
            name=name,
            title=rule.title,
            severity=alert.severity,
            message=alert.message,
            runbook=rule.runbook,
            began_at=alert.began_at,
        )
        if telling is NotificationKind.CLEARED:
            return texts.cleared(told, ended_at=alert.clear_since or self.now)
        if telling is NotificationKind.RENEWED:
            return texts.renewed(told, now=self.now)
        return texts.fired(told, renew=timing_of(rule).renew)


def _notice(alert: Alert, message: _Message) -> outbox.Notice:
    return outbox.Notice(
        kind=NotificationKind(message.telling.value),
        text=message.text,
        symbol_id=alert.symbol_id,
        alert_id=alert.pk,
    )


def _standing(alert: Alert | None) -> Standing | None:
    if alert is None:
        return None
    return Standing(
        state=AlertState(alert.state),
        began_at=alert.began_at,
        fired_at=alert.fired_at,
        clear_since=alert.clear_since,
        cleared_at=alert.cleared_at,
    )
