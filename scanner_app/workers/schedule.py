"""Beat's schedule, without the wall clock and without a file.

Celery's own scheduler compares times of day: when the clock is set back by an hour, nothing is due for an hour. It also
keeps its times in a file, which may be broken or on a full disk. Our schedules are intervals, all of at most a minute:
here they count from beat's start, by a clock that nobody sets.
"""

import time
from typing import Any

import structlog
from celery import beat
from celery.schedules import crontab, schedstate, schedule
from kombu.exceptions import OperationalError

from scanner_app.telemetry import pulse

log = structlog.get_logger(__name__)

WORKS_FOR_S = 30.0
"""A round takes milliseconds, or a few time-outs of a broker that is away. A beat that hangs for longer is killed."""

MOST_S = 5.0
"""Longest sleep (s), so that the next round comes well within WORKS_FOR_S."""

AGAIN_S = 1.0
"""Seconds between two tries to connect to a broker that is away."""


class Entry(beat.ScheduleEntry):
    """A task and its interval. Celery makes a new entry each time that the task was sent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # Celery copies an entry by passing all of its attributes on.
        options.pop("sent_s", None)
        super().__init__(*args, **options)
        self.sent_s = time.monotonic()

    def is_due(self) -> schedstate:
        """Whether the task is to be sent now, and in how many seconds to ask again."""
        if not isinstance(self.schedule, schedule) or isinstance(self.schedule, crontab):  # a time of day
            return schedstate(*super().is_due())
        interval_s = self.schedule.run_every.total_seconds()  # type: ignore[attr-defined] # celery-types lacks it
        left_s = self.sent_s + interval_s - time.monotonic()
        return schedstate(is_due=left_s <= 0, next=interval_s if left_s <= 0 else left_s)


class Scheduler(beat.Scheduler):
    """Celery's scheduler over such entries. A broker that is away costs a round; the next comes as soon as ever."""

    Entry = Entry

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due; returns the seconds until the next round."""
        pulse.works_for(WORKS_FOR_S)
        try:
            self.producer  # noqa: B018 - connects, if it is the first time
        except OperationalError as exc:
            log.warning("beat_waits_for_broker", error=str(exc))
            return AGAIN_S
        return min(super().tick(*args, **options), MOST_S)

    def adjust(self, n: float, drift: float = 0.0) -> float:  # noqa: ARG002 - Celery's signature
        """Wake up on time. Celery wakes 10 ms early, and then turns in circles for so long."""
        return n

    def _when(self, entry: beat.ScheduleEntry, next_time_to_run: float, mktime: Any = None) -> float:  # noqa: ARG002 - Celery's
        return time.monotonic() + (next_time_to_run or 0)

    def _ensure_connected(self) -> Any:
        # Celery would try for minutes, with growing pauses.
        return self.connection.ensure_connection(max_retries=1, interval_start=0)
