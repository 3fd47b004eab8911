"""One run of `manage.py replay`: what it shows meanwhile, and how it ends."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from django.core.management import CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scanner_app.domain.wording import counted
from scanner_app.engine.ingest import accept
from scanner_app.feeds.pace import Meter
from scanner_app.feeds.patience import Outside, Patience
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.replay import Replay, share_of
from scanner_app.feeds.stopping import Stopped, Stopper
from scanner_app.feeds.tally import Tally, summary
from scanner_app.workers.outages import OUTAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.core.management.base import OutputWrapper

    from scanner_app.feeds.pace import Pace
    from scanner_app.feeds.replay import Source

EXIT_NOT_TAKEN: Final = 1
"""Exit status when some bar was rejected or in conflict, or a file, an option or the database was of no use."""

EXIT_HISTORY_CHANGED: Final = 3
"""Exit status when `--follow-on` left out bars that are stored with other values. (2 is argparse's: a wrong option.)"""

EXIT_SIGNAL: Final = 128
"""With the signal's number added, the exit status after a signal, as shells have it: 130 after Ctrl-C."""

EXPECTED: Final[tuple[type[Exception], ...]] = (FeedError, CommandError, *OUTAGES)
"""What ends a run with a sentence and no traceback."""

SOURCE: Final = "replay"
"""Who revised a bar, as its timeline says it."""

LINE_EVERY_S: Final = 30.0
"""Where standard error is no terminal, a line says so often how far the replay is."""


class Session:
    """The account of one run, printed at whichever end, and what the run needs of the world."""

    def __init__(self, *, out: OutputWrapper, as_json: bool) -> None:
        self.tally = Tally()
        # Standard output is for the account.
        self._console = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)
        self._stopper = Stopper()
        self.patience = Patience(Outside(say=self.say, whole=self._stopper.whole))
        self._out = out
        self._as_json = as_json
        self._refresh: Callable[[], None] = lambda: None

    def say(self, text: str) -> None:
        """Write a line to standard error, above the bar if there is one."""
        self._console.print(text)

    def run(self, work: Callable[[], None]) -> None:
        """Do the work and print the account, however it ends.

        Raises SystemExit or CommandError with the exit status, unless that is 0; and what is no outage, no damaged
        file and no wrong use, as it came.
        """
        status, error = 0, None
        try:
            with self._stopper:
                work()
        except KeyboardInterrupt as exc:
            status = EXIT_SIGNAL + (exc.signum if isinstance(exc, Stopped) else signal.SIGINT)
        except EXPECTED as exc:
            status, error = EXIT_NOT_TAKEN, exc
        except BaseException as exc:
            self._account(EXIT_NOT_TAKEN, exc)
            raise
        if not status:
            status = self._verdict()
        self._account(status, error)
        if error is not None:
            raise CommandError(str(error).strip(), returncode=status) from error
        if status:
            raise SystemExit(status)

    def feed(self, sources: Sequence[Source], *, pace: Pace, in_turn: bool, paced: bool, revising: bool) -> None:
        """Feed the sources through ingest, showing progress.

        `paced`: it is slow on purpose, and long. `revising`: new values for known bars are revisions.
        """
        with _Display(self._console, self.tally, self.patience.outside.clock, quiet=paced) as display:
            self._refresh = lambda: display.show(share_of(sources))
            Replay(
                sources,
                partial(accept, revising=revising, source=SOURCE),
                pace=pace,
                round_robin=in_turn,
                tally=self.tally,
                patience=self.patience,
                on_progress=display.show,
            ).run()
            display.show(1.0)  # also where all was known already, and ingest was never called

    def refresh(self) -> None:
        """Show how far the replay is; nothing before it runs."""
        self._refresh()

    def _verdict(self) -> int:
        if not self.tally.clean:
            return EXIT_NOT_TAKEN
        return EXIT_HISTORY_CHANGED if self.tally.changed_count else 0

    def _account(self, status: int, error: BaseException | None) -> None:
        # A wrong option or a file that is not there needs no account of nothing.
        if error is None or self.tally.done or self.tally.unanswered:
            self.say(summary(self.tally))
        if self._as_json:
            account = self.tally.as_json() | {"interrupted": status > EXIT_SIGNAL, "exit_status": status}
            if error is not None:
                account["error"] = str(error).strip() or type(error).__name__
            self._out.write(json.dumps(account))


class _Display:
    """Progress on standard error: a bar with rate and time left, or a line now and then where that is no terminal."""

    def __init__(self, console: Console, tally: Tally, clock: Callable[[], float], *, quiet: bool) -> None:
        self._console = console
        self._tally = tally
        self._clock = clock
        self._lines = not (quiet or console.is_terminal)
        self._meter = Meter(clock)
        self._said_at = clock()
        bar = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[speed]}"))
        self._progress = Progress(*bar, TimeElapsedColumn(), console=console, disable=not console.is_terminal)
        # Its text is made each time that the bar is drawn, also while nothing comes.
        self._task = self._progress.add_task("replay", total=1.0, speed=self._meter)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()

    def show(self, share: float) -> None:
        """Show that this share of the sources (0 to 1) is read, and what the account says."""
        self._meter.note(self._tally.done, share)
        taken = f"{counted(self._tally.accepted, 'bar')} accepted"
        self._progress.update(self._task, completed=share, description=taken)
        if self._lines and self._clock() - self._said_at >= LINE_EVERY_S:
            self._said_at = self._clock()
            self._console.print(f"{taken}, {share:.0%} of the input read; {self._meter}")
