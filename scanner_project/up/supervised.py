"""`python -m scanner_project.up.supervised FILE PARENT`: supervisor, which stops when its parent is killed."""

import ctypes
import os
import signal
import sys

from supervisor import supervisord

PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent ends (prctl(2))."""


def main(file: str, parent: int) -> None:
    """Run supervisor in the foreground; when `parent` ends, however that happens, everything is stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed before we asked for the signal
        sys.exit("`make up` has ended already")
    supervisord.main(["-n", "-c", file])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
