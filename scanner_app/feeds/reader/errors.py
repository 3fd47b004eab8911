"""What goes wrong while a file of bars is opened or read."""

from __future__ import annotations

from typing import Final

SHOWN: Final = 60
"""Characters of a cell, or a name, that a message shows."""


class FeedError(ValueError):
    """A file that cannot be read as bars. The message names the file, what is wrong, and the option that helps."""


class Unsettled(ValueError):
    """Something that a file leaves open, or in which it contradicts itself or an option.

    The message says what, and which option decides it, without the file's name; understand.py puts that before it.
    """


def shown(text: str) -> str:
    """Return a text out of a file as a message may show it: short, and without what moves a terminal's cursor."""
    cut = text.strip()[:SHOWN]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in cut) + ("..." if len(text) > SHOWN else "")
