"""Which processes have fallen silent: see scanner_app/telemetry/pulse.py."""

import socket
import time
from contextlib import suppress
from pathlib import Path

FROZEN_S = 20.0
"""A process without a pulse for so long is frozen. Ten pulses: on a busy machine some come late."""

NOT_LOOKED_S = 5.0
"""If nobody has looked for so long, this process was frozen itself (Ctrl-Z, say), and knows nothing of the others."""


class Pulses:
    """The pulses of all processes of a run."""

    def __init__(self, file: Path) -> None:
        """Listen on a socket of this name."""
        file.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(file))
        self._socket.setblocking(False)
        self._heard_s: dict[int, float] = {}  # by process: when (monotonic s) its last pulse came
        self._looked_s = time.monotonic()

    def silent(self) -> list[int]:
        """The processes that had a pulse, and have had none for FROZEN_S. They are named once. Call it often."""
        now_s = time.monotonic()
        with suppress(BlockingIOError):
            while True:
                text = self._socket.recv(64)
                if text.isdigit():
                    self._heard_s[int(text)] = now_s
        if now_s - self._looked_s > NOT_LOOKED_S:
            self._heard_s = dict.fromkeys(self._heard_s, now_s)
        self._looked_s = now_s
        silent = [pid for pid, heard_s in self._heard_s.items() if now_s - heard_s > FROZEN_S]
        for pid in silent:
            del self._heard_s[pid]
        return silent
