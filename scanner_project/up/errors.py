"""The error that ends a start."""


class CannotStart(Exception):
    """The scanner can't start. The message is one sentence that says why, and what to do."""
