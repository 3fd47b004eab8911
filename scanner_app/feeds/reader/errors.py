"""What goes wrong while a file of bars is opened or read."""

from __future__ import annotations


class FeedError(ValueError):
    """A file that cannot be read as bars. The message names the file, what is wrong, and the option that helps."""
