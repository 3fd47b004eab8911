"""A worker as it was before ready lists: kombu's own transport, and the symbols' queues by name."""

import time

from kombu.transport import TRANSPORT_ALIASES

from scanner_app.messaging import transport
from scanner_project.celery import app

TRANSPORT_ALIASES.update(redis="kombu.transport.redis:Transport")
# The old transport tells our watchdog of no answers; the old watchdog went by other signs.
transport.last_answer_s = time.monotonic

__all__ = ["app"]
