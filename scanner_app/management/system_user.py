"""Who runs a command."""

import getpass
import os

MAX_ACTOR = 150
"""Characters of an actor's name that an event keeps."""


def system_user() -> str:
    """The system user who runs the command; their number if they have no name, as in many containers."""
    try:
        return getpass.getuser()[:MAX_ACTOR]
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
