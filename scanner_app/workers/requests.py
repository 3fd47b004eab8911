"""Report runs that are killed with their process."""

from typing import Any

import structlog
from billiard.exceptions import WorkerLostError
from celery.worker import request, state

from scanner_app.messaging import messages, publisher, queue_names, task_names

log = structlog.get_logger(__name__)


def is_stopping() -> bool:
    """Whether this worker is stopping: then no task is at fault for what is killed."""
    stops: tuple[object, ...] = (state.should_stop, state.should_terminate)
    return any(stop is not None and stop is not False for stop in stops)  # an exit status, which may be 0


class HeadRequest(request.Request):
    """A message in the worker's parent process, which learns when the run is killed with its process.

    Celery acknowledges such a message and never retries it; so the parent reports it to the mailbox by a small
    task on the upkeep queue. It does not use the database itself: see the docstring of scanner_app.workers.
    """

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Report a run that the hard time limit killed."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._report_killed(f"killed at the hard time limit of {timeout:g} s")

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        """Report a run whose process died."""
        result = super().on_failure(exc_info, *args, **options)
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, (WorkerLostError, SystemExit, KeyboardInterrupt)):
            self._report_killed(f"its process died: {error}")
        return result

    def _report_killed(self, reason: str) -> None:
        if is_stopping():
            return  # the worker itself is stopping, so the bar is not at fault: the sweeper redelivers it
        symbol_id, sequence, epoch = self.args
        message = messages.Message(
            symbol_id=symbol_id,
            ticker=queue_names.ticker_of_queue(str(self.delivery_info["routing_key"])),
            sequence=sequence,
            epoch=epoch,
            retries=self.request_dict.get("retries") or 0,
            control=self.name == task_names.CONTROL_RUN,
        )
        log.error("run_killed", **message.logged, reason=reason)
        publisher.publish_killed_run(message, reason, self.time_start)
