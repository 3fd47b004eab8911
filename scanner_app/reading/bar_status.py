"""The status of a bar as it is shown: the stored one, or `processing` for the head of an enabled symbol."""

from django.db.models import F, Q

from scanner_app.domain.enums import BarStatus

PROCESSING = "processing"
"""Status of a bar that is the head of an enabled symbol. It follows from the symbol's row and is not stored."""

BAR_STATUSES = [PROCESSING, *list(BarStatus)]
"""Every status that is shown."""

IS_PROCESSING = Q(status=BarStatus.WAITING, sequence=F("symbol__status__head"), symbol__enabled=True)
"""Chooses the bars whose status is PROCESSING."""


def shown(stored: str, *, is_head: bool, enabled: bool) -> str:
    """The status that is shown. `enabled` is the symbol's."""
    return PROCESSING if is_head and enabled else str(BarStatus(stored))
