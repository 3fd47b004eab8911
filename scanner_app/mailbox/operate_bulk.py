"""Operators' actions on all symbols that match a filter, shared by API, admin and command."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from scanner_app import mailbox
from scanner_app.domain.errors import NothingToSkip
from scanner_app.mailbox.operate import Matched
from scanner_app.models import Symbol

CHANGED_BY: dict[str, Q] = {
    "reset": Q(),
    "skip": Q(status__head__isnull=False),
    "enable": Q(enabled=False),
    "disable": Q(enabled=True),
}
"""Each action, and which symbols it changes."""


def changed_by(action: str, chosen: QuerySet[Symbol]) -> QuerySet[Symbol]:
    """Those of the chosen symbols that the action would change: what a dry run counts."""
    return chosen.filter(CHANGED_BY[action])


def act_on_all(
    action: str,
    chosen: QuerySet[Symbol],
    *,
    by: str,
    clock: Callable[[], datetime],
    reason: str = "",
    matched: Matched = None,
    **more: Any,
) -> list[str]:
    """Do the action on each symbol of the query; returns the tickers of those that it has changed.

    Each symbol has its own transaction. One that no longer matches when its turn comes is left alone: a symbol that has
    recovered meanwhile must not lose a good bar to a skip. A call that was interrupted can be repeated. `matched`: the
    filter, for the events; `more`: further arguments of the action.
    """
    act = getattr(mailbox, action)
    done = []
    for pk in list(changed_by(action, chosen).values_list("pk", flat=True)):
        symbol = changed_by(action, chosen).filter(pk=pk).first()
        if symbol is None:
            continue
        try:
            changed = act(symbol, by=by, now=clock(), reason=reason, matched=matched, **more)
        except NothingToSkip:
            continue
        if changed is not False:
            done.append(symbol.ticker)
    return done
