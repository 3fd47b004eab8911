"""The scanner's own errors.

ScannerError
├── BarFailed            a run of a bar failed and Celery retries it (the only class in autoretry_for)
├── DetectorFailed       a detector raised a database or connection error of its own
├── RunKilled            a run was ended from outside: hard time limit, dead process, lost worker
├── NothingToSkip        skip, but the symbol has no head
├── NotDelivered         a channel did not take a notification (notifications/channels.py)
├── AlertOver            acknowledge or silence, but the alert is resolved
├── SymbolNotFound       a ticker that no symbol has (reading/symbols.py)
├── NotInQuarantine      replay or discard, but the bar is not in quarantine (any more)
└── BarsWaiting          delete without force, but the symbol has waiting bars
"""


class ScannerError(Exception):
    """Base class of the scanner's own errors."""


class BarFailed(ScannerError):
    """A run of a bar failed and the failure is recorded: raised so that Celery retries the message, on `queue`."""

    def __init__(self, text: str, queue: str) -> None:
        super().__init__(text, queue)
        self.queue = queue

    def __str__(self) -> str:
        return str(self.args[0])


class DetectorFailed(ScannerError):
    """A detector raised a database or connection error. It counts as the bar's failure, not as an outage of ours."""


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
