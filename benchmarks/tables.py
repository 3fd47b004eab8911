"""Markdown tables that are readable in a terminal too."""


class Table:
    """Rows under a head; numbers to the right."""

    def __init__(self, *head: str) -> None:
        self._head = list(head)
        self._rows: list[list[object]] = []

    def add(self, *cells: object) -> None:
        """Add a row."""
        self._rows.append(list(cells))

    def __str__(self) -> str:
        texts = [self._head, *([_text(cell) for cell in row] for row in self._rows)]
        widths = [max(len(line[place]) for line in texts) for place in range(len(self._head))]
        numeric = [
            bool(self._rows) and all(isinstance(row[place], int | float) for row in self._rows)
            for place in range(len(self._head))
        ]
        rule = ["-" * (width - number) + ":" * number for width, number in zip(widths, numeric, strict=True)]
        return "\n".join(_line(line, widths, numeric) for line in [texts[0], rule, *texts[1:]])


def _text(cell: object) -> str:
    return f"{cell:,.6g}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else str(cell)


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    fitted = [
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, numeric, strict=True)
    ]
    return f"| {' | '.join(fitted)} |"
