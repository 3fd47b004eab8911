"""Make a worker deaf: alive and connected, but consuming nothing.

Importing this registers the remote-control command in the worker's parent process, which imports the detectors.
"""

import signal
from typing import Any

from celery import current_app
from celery.worker.control import control_command


@control_command(args=[("stubborn", bool)])
def go_deaf(state: Any, stubborn: bool = False) -> dict[str, str]:
    """Stop polling the broker for tasks, as after the reconnects in which workers were seen deaf.

    `stubborn`: do not hear either that it is to end, until that is forced.
    """
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = state.consumer.task_consumer.channel
    channel._brpop_start = lambda *_, **__: None
    return {"ok": "deaf"}


def deafen(worker: str, *, stubborn: bool = False) -> None:
    """Ask a worker to go deaf, and wait for its answer."""
    answers = current_app.control.broadcast(
        "go_deaf", arguments={"stubborn": stubborn}, destination=[worker], reply=True, timeout=5
    )
    assert answers, f"{worker} did not answer"
