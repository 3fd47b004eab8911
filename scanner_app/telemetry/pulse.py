"""The pulse by which a process shows whoever started it that it is not frozen.

A process can't notice that it is frozen itself (stopped by a signal, or waiting for a device that does not answer). So
each process that `make up` starts sends its number to a socket every two seconds. `make up` kills a process that has
sent its pulse and then falls silent; supervisor starts it again. Nothing is written to disk or broker, both of which
may be what is wrong.
"""

import math
import os
import socket
import threading
import time
from contextlib import suppress

VARIABLE = "SCANNER_PULSE_SOCKET"
"""Environment variable with the socket's path. Without it nobody listens, and nothing is sent."""

PULSE_S = 2.0
"""Seconds between two pulses."""

_until_s = math.inf  # time.monotonic() after which no pulse is sent: see `works_for`


def start() -> None:
    """Send this process's pulse from now on, from a thread. A child that is forked has to call it again."""
    if path := os.environ.get(VARIABLE):
        threading.Thread(target=_send_forever, args=(path,), name="pulse", daemon=True).start()


def works_for(seconds: float) -> None:
    """Say that this process works, and will say so again within `seconds`. If it does not, its pulse stops.

    For a process whose main thread can hang while its other threads run.
    """
    global _until_s  # noqa: PLW0603 - one for each process
    _until_s = time.monotonic() + seconds


def is_working() -> bool:
    """Whether this process has kept what it said by `works_for`; true if it never said anything."""
    return time.monotonic() < _until_s


def _send_forever(path: str) -> None:
    while True:
        if is_working():
            send(path)
        time.sleep(PULSE_S)


def send(path: str) -> None:
    """Send one pulse, by a socket of its own: supervisor closes all files that were open before it began.

    Many processes begin at one moment, and have their pulses together ever after, but only ten wait in the socket at a
    time. So it waits for room, and not for long: perhaps nobody reads.
    """
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PULSE_S / 2)
        sender.sendto(str(os.getpid()).encode(), path)  # fails if nobody listens just now, or does not read
