"""The scanner's own errors.

ScannerError
├── BarFailed            a run of a bar failed and Celery retries it (the one class in autoretry_for)
├── DetectorFailed       a detector raised what outside it would mean our own database or broker
└── NothingToSkip        skip was asked of a symbol without a head
"""


class ScannerError(Exception):
    """Base of all errors that are the scanner's own."""


class BarFailed(ScannerError):
    """A run of a bar failed, was recorded, and is Celery's to retry."""


class DetectorFailed(ScannerError):
    """A detector raised a database or connection error: that is the bar's failure, not our database's."""


class NothingToSkip(ScannerError):
    """The symbol has no bar in flight that could be skipped."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"{ticker} has no bar in flight to skip")
