"""What the breaker's row has to do with the symbol's."""

from datetime import datetime

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker
from scanner_app.models import CircuitBreaker, SymbolStatus


def wait_for_breaker(row: SymbolStatus, now: datetime) -> None:
    """A new head of a symbol whose breaker is open is due at the half-open moment, as the probe."""
    due = breaker.due(row.symbol.breaker.value, breaker_rules(), now)
    if row.head is not None and due is not None:
        row.next_attempt_at = due
        # It waits for the breaker, not for the engine.
        SymbolStatus.objects.filter(symbol_id=row.symbol_id).update(next_attempt_at=due, catching_up=True)


def save_breaker(row: CircuitBreaker, value: breaker.Breaker) -> None:
    """Store a breaker's new value."""
    row.failures, row.opened_at, row.incident_at = value.failures, value.opened_at, value.incident_at
    row.save(update_fields=["failures", "opened_at", "incident_at"])
