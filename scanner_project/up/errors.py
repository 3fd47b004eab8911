"""What ends a start.

CannotStart
"""


class CannotStart(Exception):
    """The scanner can't start; the message is one sentence for people, which says what to do."""
