"""The canary's own detector: it fails as often as the drill wants, in a real run of a real worker."""

from scanner_app.detectors import Finding
from scanner_app.mailbox import Ticket


class CanaryFailed(Exception):
    """A failure on purpose, for a drill."""


def detect(ticket: Ticket) -> list[Finding]:
    """Nothing is ever found. Raises CanaryFailed in the first runs of a bar, as many as its volume says.

    A control run looks at a good bar, so it succeeds.
    """
    failures = int(ticket.volume or 0)
    if not ticket.message.control and ticket.message.retries < failures:
        raise CanaryFailed(f"failure {ticket.message.retries + 1} of {failures}, on purpose: this is a drill")
    return []
