"""One state of a symbol with its sentences."""

from dataclasses import dataclass
from datetime import datetime

from scanner_app.domain.explanation.result import Code


@dataclass(frozen=True, slots=True)
class Case:
    """A state with its sentences."""

    code: Code
    since: datetime | None
    summary: str
    cause: str
    next: str


def case_of(code: Code, since: datetime | None, summary: str, cause: str, following: str) -> Case:
    """A case whose summary gets its capital and its full stop."""
    return Case(code, since, f"{summary[0].upper()}{summary[1:]}.", cause, following)


IN_ORDER = "Processing works normally."
"""The cause that is given where nothing is wrong."""
