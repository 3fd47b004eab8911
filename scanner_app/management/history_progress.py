"""Progress of `manage.py history` on standard error: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

DRAWN_EVERY_S: Final = 0.2
"""Seconds between two updates of the bar: each bar of history takes a millisecond, and its display half of one."""


class Display:
    """What is done now, and how much of it."""

    def __init__(self) -> None:
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=1.0)
        self._total = self._done = 0
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()

    def read(self, share: float) -> None:
        """This share (0 to 1) of the bars is read."""
        self._progress.update(self._task, description="reading", completed=share)

    def begin(self, bars: int) -> None:
        """So many bars will be looked at."""
        self._total, self._done = bars, 0
        self._progress.reset(self._task, description="looking", total=max(1, bars))

    def step(self) -> None:
        """One more bar was looked at."""
        self._done += 1
        if self._done == self._total or time.monotonic() - self._drawn_at >= DRAWN_EVERY_S:
            self._drawn_at = time.monotonic()
            self._progress.update(
                self._task, completed=self._done, description=f"{self._done:,} of {self._total:,} bars"
            )
