"""The scanner's own errors.

ScannerError
├── BarFailed            a run of a bar failed and Celery retries it (the only class in autoretry_for)
├── DetectorFailed       a detector raised something that must not be taken for what it looks like: its cause
├── RunKilled            a run was ended from outside: hard time limit, dead process, lost worker
├── NothingToSkip        skip, but the symbol has no head
├── NotDelivered         a channel did not take a notification (notifications/channels.py)
├── AlertOver            acknowledge or silence, but the alert is resolved
├── FeedFixed            change or remove a live feed, but it comes from SCANNER_FEEDS
├── AlreadySent          retry, but the delivery was sent
├── KeyLost              a channel's secret was stored with a key that is not here (notifications/sealing.py)
├── SymbolNotFound       a ticker that no symbol has (reading/symbols.py)
├── DetectorNotFound     a name that no detector has (reading/detectors.py)
├── NotInQuarantine      replay or discard, but the bar is not in quarantine (any more)
├── TooManyGuesses       a sign-in after too many wrong passwords, or beside too many others
└── BarsWaiting          delete without force, but the symbol has waiting bars
"""

from datetime import datetime


class ScannerError(Exception):
    """Base class of the scanner's own errors."""


class BarFailed(ScannerError):
    """A run of a bar failed and the failure is recorded: raised so that Celery retries the message, on `queue`.

    `due` is when the bar will really run, for people who look at Flower; None if that is not known.
    """

    def __init__(self, text: str, queue: str, due: datetime | None = None) -> None:
        super().__init__(text, queue, due)
        self.queue = queue
        self.due = due

    def __str__(self) -> str:
        return str(self.args[0])


class DetectorFailed(ScannerError):
    """A detector raised its cause: an error like that of an outage of ours, or like the end of the process.

    It counts as the bar's failure.
    """


class NothingToSkip(ScannerError):
    """The symbol has no bar in flight that could be skipped."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"{ticker} has no bar in flight to skip")


class RunKilled(ScannerError):
    """A run was ended from outside; the text says by what."""


class NotInQuarantine(ScannerError):
    """The bar is not, or no longer, in quarantine."""

    def __init__(self, entry_id: int) -> None:
        super().__init__(f"Quarantine entry {entry_id} has been dealt with already")


class BarsWaiting(ScannerError):
    """The symbol has waiting bars, which would be lost if it were deleted."""

    def __init__(self, ticker: str, waiting: int) -> None:
        self.waits = f"1 bar of {ticker} waits" if waiting == 1 else f"{waiting:,} bars of {ticker} wait"
        self.drops = "drop it" if waiting == 1 else "drop them"
        super().__init__(f"{self.waits}; delete with force to {self.drops}")


class AlertOver(ScannerError):
    """The alert is resolved, so it can be neither acknowledged nor silenced."""

    def __init__(self, alert_id: int) -> None:
        super().__init__(f"Alert {alert_id} is over")


class FeedFixed(ScannerError):
    """The live feed comes from the environment, which alone changes it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The feed {name} comes from SCANNER_FEEDS: change it there, and restart")


class TooManyGuesses(ScannerError):
    """Too many wrong passwords, or too many passwords to check just now. May be tried again after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"Too many attempts to sign in. Try again in {self.retry_after_s} s."


class AlreadySent(ScannerError):
    """A delivery that was sent can't be tried again: its hit would be told twice."""
