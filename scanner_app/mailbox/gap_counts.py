"""Store the number of gaps in a symbol's series. It is counted by engine/gaps.py."""

from scanner_app.models import SymbolStatus


def store(row: SymbolStatus, gaps: int) -> None:
    """Store a count that belongs to the row as it was read.

    A bar that was accepted meanwhile has a higher sequence, so the next count includes it. The guard is for a calendar
    that was changed meanwhile: then nothing is stored, and the gaps are counted again.
    """
    SymbolStatus.objects.filter(pk=row.pk, gaps_sequence=row.gaps_sequence).update(
        gaps=gaps, gaps_sequence=row.last_sequence
    )
