"""The unexpected errors of the last minutes."""

from datetime import datetime

from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.unexpected import QUIET, UnexpectedErrors, what_happened
from scanner_app.models import UnexpectedError


def lately(now: datetime) -> tuple[UnexpectedErrors, ...]:
    """The series that are not over at the time `now`, by source and name, counting or not. One query."""
    rows = UnexpectedError.objects.filter(last_at__gte=now - QUIET).order_by("source", "name")
    return tuple(
        UnexpectedErrors(
            source=ErrorSource(row.source),
            name=row.name,
            count=row.count,
            began_at=row.began_at,
            last_at=row.last_at,
            error=row.error,
        )
        for row in rows
    )


def warnings(now: datetime) -> list[str]:
    """A sentence for each series that counts, for everybody to read: without the errors' texts."""
    return [f"{what_happened(one)}." for one in lately(now) if one.counts(now)]
