"""The mailbox as the design describes it, for one symbol, in plain Python: what test_machine.py compares rows with.

No database, no clock, no Celery. Every method takes the time, changes the values below, puts what is to be
published into `published`, and returns the word that the mailbox should return.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

RECOVERY = timedelta(seconds=30)
OVERDUE = timedelta(seconds=5)
MAX_LOSSES = 3
QUICK_BARS = 2
SLOW_RUN_S = 1.0
UNTOLD = None
"""In place of a number that the design does not give."""


class Letter(NamedTuple):
    """What a message says."""

    sequence: int
    epoch: int
    retries: int
    deferrals: int = 0
    control: bool = False


class Rules(NamedTuple):
    """The settings of one story."""

    delays_s: tuple[int, ...]
    threshold: int


@dataclass
class ModelBar:
    """One bar, known by its day."""

    day: int
    value: int
    sequence: int
    late: bool
    status: str = "waiting"
    replayed: bool = False
    held: bool = False
    attempts: int | None = 0
    assumed: bool = False
    revised: bool = False


@dataclass
class Entry:
    """A row of the quarantine."""

    day: int
    attempt: int | None
    resolution: str = ""


@dataclass
class ModelSymbol:
    """One symbol: its bars, its place among them, its breaker."""

    rules: Rules
    enabled: bool = True
    epoch: int = 0
    cursor: int = 0
    last: int = 0
    attempts: int = 0
    deferrals: int = 0
    losses: int = 0
    stage: str = "run"
    due: datetime | None = None
    lane: str = "main"
    quick: int = 0
    catching_up: bool = False
    newest: int | None = None
    failures: int = 0
    opened_at: datetime | None = None
    incident_at: datetime | None = None
    revision: int = 0
    touched: set[int] = field(default_factory=set)  # days that the detectors must look at again
    anew: bool = False  # the head was in its control run when it was revised by the call that is under way
    in_call: set[int] = field(default_factory=set)  # days with new values from the call of accept that is under way
    bars: dict[int, ModelBar] = field(default_factory=dict)  # by day
    signals: list[tuple[int, str]] = field(default_factory=list)  # (sequence, pattern), in order
    events: list[str] = field(default_factory=lambda: ["created"])
    recorded: list[list[Any]] = field(default_factory=list)  # [day, attempt, times] of each failure's row
    quarantine: list[Entry] = field(default_factory=list)
    published: list[tuple[Letter, str, datetime | None]] = field(default_factory=list)

    # What follows from the values.

    @property
    def head(self) -> int | None:
        return self.cursor + 1 if self.last > self.cursor else None

    @property
    def head_bar(self) -> ModelBar:
        return next(bar for bar in self.bars.values() if bar.sequence == self.head)

    @property
    def half_open_at(self) -> datetime | None:
        return None if self.opened_at is None else self.opened_at + RECOVERY

    def count(self, status: str) -> int:
        return sum(bar.status == status for bar in self.bars.values())

    def live(self) -> Letter:
        assert self.head is not None
        return Letter(self.head, self.epoch, self.attempts, self.deferrals, self.stage == "control")

    def is_live(self, letter: Letter) -> bool:
        """Whether the row is as the letter says; how often it was deferred does not matter."""
        return self.head is not None and self.live()._replace(deferrals=0) == letter._replace(deferrals=0)

    # Bars come.

    def accept(self, day: int, value: int, *, revising: bool = False, assumed: bool = False) -> str:
        bar = self.bars.get(day)
        if bar is not None and (assumed or bar.value == value):
            bar.assumed = bar.assumed and assumed
            return "duplicate"
        if bar is not None and bar.status not in ("quarantined", "discarded"):
            if not (revising or bar.assumed) or day in self.in_call:
                return "conflict"
            self.in_call.add(day)
            bar.value, bar.assumed, bar.revised = value, False, True
            if bar.status == "processed":
                self.touched.add(day)
            elif bar.sequence == self.head:  # what is known of its old values does not count
                self.losses = 0
                if self.stage == "control":
                    self.stage, self.attempts, self.deferrals, self.anew = "run", 0, 0, True
            return "revised"
        self.in_call.add(day)
        late = self.newest is not None and day < self.newest
        if not late:
            self.newest = day
        if self.head is None and not self.enabled:
            self.catching_up = True
        self.last += 1
        if bar is not None:
            self.events.append("replaced")
            self._resolve(day, "replaced")
        was_revised = bar is not None and (bar.revised or revising)
        self.bars[day] = ModelBar(day, value, self.last, late, assumed=assumed, revised=was_revised)
        return "accepted"

    def end_call(self, *, revised: bool) -> None:
        """All bars of a call of accept are through."""
        self.in_call.clear()
        if revised:
            self.revision += 1
            self.events.append("revised")

    def name_first_head(self, was_idle: bool, now: datetime) -> None:
        """After a call of accept or a replay: if the symbol had no head, it has one now; or has it anew."""
        if (was_idle or self.anew) and self.head is not None:
            self._wait_for_breaker(now)
            self._publish_head()
        self.anew = False

    # A run begins and ends.

    def start(self, letter: Letter, now: datetime) -> str:
        if letter.control or not self.enabled or not self.is_live(letter):
            return "superseded"
        due = max((time for time in (self.due, self.half_open_at) if time is not None), default=now)
        if due <= now:
            return "ticket"
        if letter.deferrals != self.deferrals:
            return "superseded"  # another copy was published again already
        self.deferrals += 1
        self.due = due
        self._publish_head()
        return "deferred"

    def complete(
        self, letter: Letter, pattern: str, *, held: bool, run_s: float, revision: int, reaches_later: bool
    ) -> str:
        if letter.sequence != self.head:
            return "superseded"
        bar = self.head_bar
        if revision != self.revision or reaches_later:  # it may have seen old values, or others did not see it
            self.touched.add(bar.day)
            self.revision += 1
        self._move_on()
        bar.status, bar.attempts, bar.held = "processed", letter.retries + 1, held
        self.signals.append((bar.sequence, pattern))
        if self.failures:
            self.events.append("recovered" if self.opened_at is None else "closed")
            self.failures, self.opened_at, self.incident_at = 0, None, None
        if run_s >= SLOW_RUN_S:
            self._change_lane("slow")
        elif self.lane == "slow":
            self.quick += 1
            if self.quick >= QUICK_BARS:
                self._change_lane("main")
        self._publish_head()
        return "completed"

    def fail(
        self,
        letter: Letter,
        now: datetime,
        *,
        hung: bool = False,
        celery_retries: bool = True,
        value: float | None = None,
    ) -> str:
        """`value`: the one that ran; None: nobody knows."""
        if letter.control or not self.is_live(letter):
            return "superseded"
        bar = self.head_bar
        if hung:
            self._change_lane("slow")
        if value is not None and value != bar.value:  # a revision came meanwhile
            self.losses = 0
            self._publish_head()
            return "deferred"
        if bar.replayed:
            self.recorded.append([bar.day, letter.retries + 1, 1])
            return self._set_head_aside(now, attempts=letter.retries + 1)
        self._count_failure(now)
        self.attempts += 1
        self.deferrals, self.losses, self.catching_up = letter.deferrals, 0, True
        if self.stage == "hold":
            self._wait(now, RECOVERY.total_seconds())
            self.recorded[-1][1:] = [self.attempts, self.recorded[-1][2] + 1]
            outcome = "holding"
        elif self.attempts <= len(self.rules.delays_s):
            self._wait(now, self.rules.delays_s[self.attempts - 1])
            self.recorded.append([bar.day, self.attempts, 1])
            outcome = "retrying"
        else:
            self.stage, self.due = "control", None
            self.recorded.append([bar.day, self.attempts, 1])
            outcome = "control"
        if not (outcome == "retrying" and celery_retries):
            self._publish_head()
        return outcome

    def unusable(self, letter: Letter, now: datetime, *, value: float | None) -> str:
        if letter.control or not self.is_live(letter):
            return "superseded"
        bar = self.head_bar
        if value != bar.value:  # a revision came meanwhile
            self.losses = 0
            self._publish_head()
            return "deferred"
        if not bar.replayed:
            self._count_failure(now)
        self.recorded.append([bar.day, letter.retries + 1, 1])
        return self._set_head_aside(now, attempts=letter.retries + 1)

    def died(self, letter: Letter, now: datetime) -> str:
        if letter.control:
            return self.control_failed(letter, now)
        return self.fail(letter, now, hung=True, celery_retries=False)

    # The control run.

    def last_good(self, letter: Letter) -> int | None:
        """The day of the bar that the control run is to use."""
        good = [bar for bar in self.bars.values() if bar.status == "processed" and bar.sequence < letter.sequence]
        return max(good, key=lambda bar: bar.sequence).day if good else None

    def control_passed(self, letter: Letter, now: datetime) -> str:
        if not self.is_live(letter):
            return "superseded"
        return self._set_head_aside(now, attempts=letter.retries)

    def control_failed(self, letter: Letter, now: datetime) -> str:
        if not self.is_live(letter):
            return "superseded"
        self.stage, self.losses = "hold", 0
        self.due = now + RECOVERY if self.half_open_at is None else max(now, self.half_open_at)
        self.events.append("held")
        self._publish_head()
        return "holding"

    # The sweeper.

    def is_due(self, now: datetime) -> bool:
        return self.enabled and self.head is not None and (self.due is None or self.due < now - OVERDUE)

    def lost(self, letter: Letter, losses: int, lane: str, now: datetime, *, counts: bool, taken: bool) -> None:
        """The sweeper found nobody who has the head that it saw before, with so many losses in that lane.

        It does not count after an outage of our own, nor if the broker does not take the new copy.
        """
        self.catching_up = self.catching_up or self.is_live(letter)
        if counts and losses + 1 >= MAX_LOSSES:
            self.died(letter, now)
            return
        self.published.append((letter, lane, None))
        if counts and taken and self.is_live(letter):
            self.losses += 1

    # Operators.

    def reset(self) -> None:
        self.epoch += 1
        self.attempts = self.deferrals = self.losses = 0
        self.stage, self.due = "run", None
        self.failures, self.opened_at, self.incident_at = 0, None, None
        self.events.append("reset")
        self._publish_head()

    def skip(self, now: datetime) -> bool:
        if self.head is None:
            return False
        self.epoch += 1
        self._set_head_aside(now, attempts=UNTOLD, also="skipped")
        return True

    def switch(self, *, enabled: bool) -> None:
        if self.enabled is enabled:
            return
        self.enabled = enabled
        self.epoch += 1
        self.catching_up = self.catching_up or self.head is not None
        self.events.append("enabled" if enabled else "disabled")
        self._publish_head()

    def replay(self, place: int, now: datetime) -> bool:
        entry = self.quarantine[place]
        if entry.resolution:
            return False
        was_idle = self.head is None
        entry.resolution = "replayed"
        self.last += 1
        self.bars[entry.day] = ModelBar(
            entry.day,
            self.bars[entry.day].value,
            self.last,
            late=True,
            replayed=True,
            attempts=0,
            assumed=self.bars[entry.day].assumed,
            revised=self.bars[entry.day].revised,
        )
        self.events.append("replayed")
        self.name_first_head(was_idle, now)
        return True

    def discard(self, place: int) -> bool:
        entry = self.quarantine[place]
        if entry.resolution:
            return False
        entry.resolution = "discarded"
        self.bars[entry.day].status = "discarded"
        self.events.append("discarded")
        return True

    # Re-runs.

    def look_again(self, first: int, last: int) -> None:
        self.touched -= set(range(first, last + 1))
        self.events.append("rerun")

    # Their common parts.

    def _publish_head(self) -> None:
        if self.enabled and self.head is not None:
            self.published.append((self.live(), self.lane, self.due))

    def _move_on(self) -> None:
        self.cursor += 1
        self.attempts = self.deferrals = self.losses = 0
        self.stage, self.due = "run", None
        self.catching_up = self.catching_up and self.head is not None

    def _set_head_aside(self, now: datetime, *, attempts: int | None, also: str = "") -> str:
        bar = self.head_bar
        self.catching_up = self.catching_up or not also  # an operator's skip is no pause
        self._move_on()
        bar.status, bar.attempts, bar.held = "quarantined", attempts, False
        self.quarantine.append(Entry(bar.day, attempts))
        self.events += ["quarantined", also] if also else ["quarantined"]
        self._wait_for_breaker(now)
        self._publish_head()
        return "quarantined"

    def _count_failure(self, now: datetime) -> None:
        self.failures += 1
        if self.opened_at is None and self.failures < self.rules.threshold:
            self._tell_failure("paused")
            return
        self._tell_failure("opened" if self.opened_at is None else "reopened")
        self.opened_at = now
        self.incident_at = self.incident_at or now

    def _tell_failure(self, kind: str) -> None:
        """In a hold, which is of one bar, a line that is the newest already is only brought up to date."""
        if not (self.stage == "hold" and self.events[-1] == kind):
            self.events.append(kind)

    def _wait(self, now: datetime, delay_s: float) -> None:
        planned = now + timedelta(seconds=delay_s)
        self.due = planned if self.half_open_at is None else max(planned, self.half_open_at)

    def _wait_for_breaker(self, now: datetime) -> None:
        if self.head is not None and self.half_open_at is not None and self.half_open_at > now:
            self.due = self.half_open_at
            self.catching_up = True

    def _change_lane(self, lane: str) -> None:
        self.quick = 0
        if self.lane != lane:
            self.lane = lane
            self.events.append("lane")

    def _resolve(self, day: int, resolution: str) -> None:
        for entry in self.quarantine:
            if entry.day == day and not entry.resolution:
                entry.resolution = resolution
