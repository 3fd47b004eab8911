"""The scanner's own errors.

ScannerError
├── BarFailed            a run of a bar failed and Celery retries it (the one class in autoretry_for)
├── DetectorFailed       a detector raised what outside it would mean our own database or broker
├── RunKilled            a run did not end by itself: hard time limit, dead process, dead worker
├── NothingToSkip        skip was asked of a symbol without a head
├── NotDelivered         a channel did not take a notification (alerts/channels.py)
├── AlertOver            acknowledge or silence was asked of an alert that is over
├── NotInQuarantine      replay or discard was asked of a bar that is not, or no longer, there
└── BarsWaiting          a symbol with waiting bars was to be deleted without force
"""


class ScannerError(Exception):
    """Base of all errors that are the scanner's own."""


class BarFailed(ScannerError):
    """A run of a bar failed, was recorded, and is Celery's to retry, on `queue`."""

    def __init__(self, text: str, queue: str) -> None:
        super().__init__(text, queue)
        self.queue = queue

    def __str__(self) -> str:
        return str(self.args[0])


class DetectorFailed(ScannerError):
    """A detector raised a database or connection error: that is the bar's failure, not our database's."""


class NothingToSkip(ScannerError):
    """The symbol has no bar in flight that could be skipped."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"{ticker} has no bar in flight to skip")


class RunKilled(ScannerError):
    """A run did not end by itself; the text says what ended it."""


class NotInQuarantine(ScannerError):
    """The bar is not, or no longer, in quarantine."""

    def __init__(self, entry_id: int) -> None:
        super().__init__(f"Quarantine entry {entry_id} has been dealt with already")


class BarsWaiting(ScannerError):
    """The symbol has bars that wait, which deleting would lose."""

    def __init__(self, ticker: str, waiting: int) -> None:
        self.waits = f"1 bar of {ticker} waits" if waiting == 1 else f"{waiting:,} bars of {ticker} wait"
        self.drops = "drop it" if waiting == 1 else "drop them"
        super().__init__(f"{self.waits}; delete with force to {self.drops}")


class AlertOver(ScannerError):
    """The alert is over: there is nothing to acknowledge or to silence."""

    def __init__(self, alert_id: int) -> None:
        super().__init__(f"Alert {alert_id} is over")
