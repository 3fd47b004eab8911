"""The breaker's row, and what an open breaker means for the symbol's head."""

from datetime import datetime

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker
from scanner_app.models import CircuitBreaker, SymbolStatus


def wait_for_breaker(row: SymbolStatus, now: datetime) -> None:
    """While the breaker is open, let a new head run at the half-open moment, as the probe."""
    due = breaker.due(row.symbol.breaker.value, breaker_rules(), now)
    if row.head is not None and due is not None:
        row.next_attempt_at = due
        # The head waits for the breaker, so its latency must not count as slowness.
        SymbolStatus.objects.filter(symbol_id=row.symbol_id).update(next_attempt_at=due, catching_up=True)


def save_breaker(row: CircuitBreaker, value: breaker.Breaker) -> None:
    """Store a breaker's new value."""
    row.failures, row.opened_at, row.incident_at = value.failures, value.opened_at, value.incident_at
    row.save(update_fields=["failures", "opened_at", "incident_at"])
