"""Traders' rules: make, change, delete. Which bars they look at: engine/rule_book.py."""

from datetime import datetime
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from scanner_app.models import Hit, Rule, RuleFailure, SignalWorth, WatchList
from scanner_app.signals import names

log = structlog.get_logger(__name__)

MAX_RULES = 200
"""Rules of one user: every bar that they look at asks all of them."""

MAX_COOLDOWN_S = 365 * 86_400
MAX_TELL_WITHIN_S = 7 * 86_400
"""A week after its bar a hit is history."""

STARTS_ANEW = frozenset({"expression", "watchlist_id", "timeframes", "enabled"})
"""What, when it is changed, makes the rule forget what it said last: its next answer is no hit."""


def readable(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[Any]:
    """The rules that the user may read: his own and the shared ones, with their state."""
    return with_state(_of(user).select_related("owner"))


def with_state(rows: QuerySet[Rule]) -> QuerySet[Any]:
    """With `failing`: whether it failed on a series; and `listed`: whether its watch list, if it has one, is there."""
    failures = RuleFailure.objects.filter(rule_id=OuterRef("pk"), revision=OuterRef("revision"))
    return rows.annotate(failing=Exists(failures), listed=Exists(WatchList.objects.filter(pk=OuterRef("watchlist_id"))))


def add(owner: User, *, now: datetime, **values: Any) -> Rule:
    """Make a rule of checked values. Raises NameTaken and TooMany."""
    if owner.rules.filter(deleted_at=None).count() >= MAX_RULES:
        raise names.TooMany(f"you have {MAX_RULES} rules, the most that one user may have; delete one first")
    rule = Rule(owner=owner, created_at=now, changed_at=now, **values)
    _save(rule)
    log.info("rule_added", rule=rule.pk, by=owner.get_username())
    return rule


def add_default_set(owner: User, *, now: datetime) -> list[Rule]:
    """Make the rules of the default set, except those of whose name the user has one. Raises TooMany, with none made.

    Not made for a user unasked: each rule costs every bar of its timeframes some microseconds.
    """
    # Imported here for the reason given in `problem_of`.
    from scanner_app.trader_rules.ready_made import DEFAULT_SET  # noqa: PLC0415

    with transaction.atomic():
        taken = set(owner.rules.filter(deleted_at=None).values_list("name", flat=True))
        return [
            add(owner, now=now, name=one.name, expression=one.expression, timeframes=list(one.timeframes))
            for one in DEFAULT_SET
            if one.name not in taken
        ]


def change(rule: Rule, *, now: datetime, by: str, **values: Any) -> None:
    """Change a rule by checked values. Raises NameTaken."""
    changed = [name for name, value in values.items() if getattr(rule, name) != value]
    for name in changed:
        setattr(rule, name, values[name])
    if not changed:
        return
    rule.changed_at = now
    if STARTS_ANEW.intersection(changed):
        rule.revision += 1
    _save(rule, update_fields=[*changed, "changed_at", "revision"])
    log.info("rule_changed", rule=rule.pk, by=by, fields=changed)


def _save(rule: Rule, **how: Any) -> None:
    names.save(rule, f"you have another rule with the name {rule.name!r}", **how)


def delete(rule: Rule, *, now: datetime, by: str) -> None:
    """Disable and hide the rule at once. Its hits are removed later, in batches, and then the rule itself."""
    changed = Rule.objects.filter(pk=rule.pk, deleted_at=None).update(
        deleted_at=now, changed_at=now, enabled=False, revision=F("revision") + 1
    )
    if changed:
        log.info("rule_deleted", rule=rule.pk, by=by)


def problem_of(rule: Rule, *, listed: bool) -> str:
    """What is wrong with a stored rule, though it was right when it was saved; "" if it can be asked.

    `listed`: whether its watch list is there.
    """
    if rule.watchlist_id is not None and not listed:
        return "its watch list was deleted, so it looks at no symbol: give it another one"
    # Imported here: with it come NumPy and TA-Lib, which what judges alerts does not need.
    from scanner_app.trader_rules import ExpressionError, compiled  # noqa: PLC0415

    try:  # an upgrade may have taken one of its words away
        compiled(rule.expression)
    except ExpressionError as exc:
        return str(exc)
    return ""


def state_of(rule: Rule, *, failing: bool, problem: str) -> str:
    """`on`, `off` or `failed`: as a whole, or on at least one series, where it is off until it is changed."""
    if not rule.enabled:
        return "off"
    return "failed" if failing or problem else "on"


def failures_of(rule: Rule, most: int) -> QuerySet[RuleFailure]:
    """The newest failures of the rule as it is now."""
    rows = RuleFailure.objects.filter(rule_id=rule.pk, revision=rule.revision).select_related("symbol")
    return rows.order_by("-at")[:most]


def failed_rules(most: int) -> list[dict[str, Any]]:
    """What an alert says of each rule that is on and failed: `id, name, owner, series, ticker, timeframe, error`.

    Two queries, one while none failed.
    """
    failures = RuleFailure.objects.filter(rule_id=OuterRef("pk"), revision=OuterRef("revision"))
    count = failures.order_by().values("rule_id").annotate(count=Count("pk")).values("count")
    rules = list(
        Rule.objects.filter(enabled=True, deleted_at=None, pk__in=RuleFailure.objects.values("rule_id"))
        .annotate(series=Subquery(count), last=Subquery(failures.order_by("-at").values("pk")[:1]))
        .exclude(last=None)
        .select_related("owner")
        .order_by("pk")[:most]
    )
    # One that is not there any more belonged to a symbol that is being deleted.
    known = RuleFailure.objects.select_related("symbol").in_bulk([rule.last for rule in rules]) if rules else {}
    return [
        {
            "id": rule.pk,
            "name": rule.name,
            "owner": rule.owner.get_username(),
            "series": rule.series,
            "ticker": last.symbol.ticker,
            "timeframe": last.timeframe,
            "error": last.error.rstrip("."),
        }
        for rule in rules
        if (last := known.get(rule.last)) is not None
    ]


def readable_hits(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[Hit]:
    """The hits of the rules that the user may read."""
    return Hit.objects.filter(rule_id__in=_of(user).values("pk"), symbol__deleted_at=None).select_related("symbol")


def names_for(user: User | AbstractBaseUser | AnonymousUser) -> dict[int, str]:
    """The names of the rules that the user may read, by their ids."""
    return dict(_of(user).values_list("pk", "name"))


def readable_worth(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[SignalWorth]:
    """What all kinds of signals were worth, and the rules that the user may read."""
    return SignalWorth.objects.filter(Q(rule_id=None) | Q(rule_id__in=_of(user).values("pk")))


def _of(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[Rule]:
    return Rule.objects.filter(Q(owner_id=user.pk) | Q(shared=True), deleted_at=None)
