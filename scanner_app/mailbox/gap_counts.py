"""The number of gaps in a symbol's series, as last counted (engine/gaps.py counts)."""

from scanner_app.models import SymbolStatus


def store(row: SymbolStatus, gaps: int) -> None:
    """Store the count that was made of the row as it was read.

    A bar that is accepted meanwhile has a higher sequence, so it is counted the next time. Guarded: a calendar that
    is changed meanwhile asks for another count.
    """
    SymbolStatus.objects.filter(pk=row.pk, gaps_sequence=row.gaps_sequence).update(
        gaps=gaps, gaps_sequence=row.last_sequence
    )
