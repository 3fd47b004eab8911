"""Hours in which a channel is quiet: by the clock of a time zone. No Django, no clock, no I/O."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Every day from `begins` to `ends` (without that minute), by the clocks of `zone`; over midnight if it is later.

    Raises ValueError if both are equal: that could mean never or always.
    """

    begins: time
    ends: time
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise ValueError("quiet hours must not begin and end at the same time")

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that are now end (UTC); None: it is not quiet."""
        local = now.astimezone(self.zone)
        over_midnight = self.begins > self.ends
        after, before = local.time() >= self.begins, local.time() < self.ends
        if not ((after or before) if over_midnight else (after and before)):
            return None
        day = local.date() + timedelta(days=1 if over_midnight and after else 0)
        end = datetime.combine(day, self.ends, self.zone).astimezone(UTC)
        # In the hour that is there twice in autumn, the end may be in the first one, which is over.
        return end if end > now else None
