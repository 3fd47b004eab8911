"""The tables of the measurements: markdown that is readable in a terminal too. No Django.

A measurement prints its own and stores the rows; the report writes the same table from the stored rows.
"""

from collections.abc import Sequence
from typing import Any

CEILING, BARE, OURS, DETECTING = "ceiling", "bare", "ours", "ours, detectors on"
"""The cases of `engine`."""

PLAIN_GOAL = 0.45
BEST_GOALS = {"postgresql": 0.6, "sqlite": 0.85}
LATENCY_GOALS_MS = {"100/s, spread": 10.0, "100/s, bursts of 20": 50.0}
"""Of issue 6: parts of the ceiling of plain prefork, on it and on the best kind of pool; and p95s."""

Rows = Sequence[dict[str, Any]]


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


def spread(figures: Sequence[float]) -> str:
    """The figures of all rounds, for a cell of the table."""
    return " ".join(f"{figure:,.4g}" if abs(figure) < 10_000 else f"{figure:,.0f}" for figure in figures)


def engine(rows: Rows, kind: str) -> str:
    """Drained backlogs, and whether the goals are met: on plain prefork, the first of ours, and on the best pool.

    Each is judged by the ceiling of Celery as it comes, and by that of our own worker, which is higher.
    """
    head = ("case", "main workers", "tasks/s", "rounds", "CPU ms a task")
    table = Table(*head, "of its ceiling", "of our prefork's", "of Celery's")
    for row in rows:
        parts = [row[name] for name in ("of_own_ceiling", "of_prefork_ceiling", "of_celery_ceiling")]
        table.add(row["case"], row["pool"], row["rate"], spread(row["rounds"]), row["cpu_ms"], *parts)
    ours = [row for row in rows if row["case"] == OURS]
    limited = [row for row in ours if row["time_limits"]]
    verdicts = [_judge("plain prefork", ours[0], PLAIN_GOAL)]
    for what, of in (("the best pool with time limits", limited), ("the best pool of all", ours)):
        verdicts.append(_judge(what, max(of, key=lambda row: int(row["rate"])), BEST_GOALS[kind]))
    return "\n".join((f"{table}\n", *verdicts))


def _judge(what: str, row: dict[str, Any], goal: float) -> str:
    judged = [
        f"{row[name]:g} of {whose}: {'met' if row[name] >= goal else 'missed'}"
        for name, whose in (("of_celery_ceiling", "Celery's ceiling"), ("of_prefork_ceiling", "our own worker's"))
    ]
    return f"- ours on {what} ({row['pool']}), goal {goal:g}: {'; '.join(judged)}"


def latency(rows: Rows) -> str:
    """Feeds, and whether their goals are met."""
    table = Table("case", "feed", "bars/s", "p50 ms", "p95 ms", "p95 of the rounds", "p99 ms", "goal for p95")
    for row in rows:
        goal = LATENCY_GOALS_MS.get(row["feed"])
        verdict = "-" if goal is None else f"{goal:g}: {'met' if row['p95_ms'] < goal else 'missed'}"
        rounds = spread(row["p95_rounds_ms"])
        table.add(row["case"], row["feed"], row["rate"], row["p50_ms"], row["p95_ms"], rounds, row["p99_ms"], verdict)
    return str(table)


def ingest(rows: Rows) -> str:
    """Bars accepted, by bars of a POST."""
    table = Table("bars of a POST", "bars/s", "rounds", "POST p50 ms", "POST p95 ms")
    for row in rows:
        table.add(row["size"], row["rate"], spread(row["rounds"]), row["p50_ms"], row["p95_ms"])
    return str(table)


def growth(rows: Rows) -> str:
    """What a bar costs, by what has grown; not each case has both kinds of figures."""
    table = Table("case", "bars/s drained", "rounds", "p50 ms at 100/s", "p95 ms", "p95 of the rounds", "p99 ms")
    for row in rows:
        rounds_of = (spread(row["rate_rounds"]), spread(row["p95_rounds_ms"]))
        figures = [row.get(name, "-") for name in ("rate", "p50_ms", "p95_ms", "p99_ms")]
        table.add(row["case"], figures[0], rounds_of[0], figures[1], figures[2], rounds_of[1], figures[3])
    return str(table)


def isolation(rows: Rows) -> str:
    """Latencies of healthy symbols, by what disturbs them."""
    table = Table("case", "phase", "p50 ms", "p95 ms", "p95 of the rounds", "p99 ms", "max ms")
    for row in rows:
        rounds = spread(row["p95_rounds_ms"])
        table.add(row["case"], row["phase"], row["p50_ms"], row["p95_ms"], rounds, row["p99_ms"], row["max_ms"])
    return str(table)


def watching(rows: Rows) -> str:
    """A scanner that is watched beside one that is not."""
    table = Table("", "bars/s", "bars/s of the rounds", "p50 ms", "p95 ms", "p95 of the rounds", "p99 ms")
    for row in rows:
        rates, p95s = spread(row["rate_rounds"]), spread(row["p95_rounds_ms"])
        table.add(row["way"], row["rate"], rates, row["p50_ms"], row["p95_ms"], p95s, row["p99_ms"])
    return str(table)


def pages(rows: Rows) -> str:
    """What open pages cost the web processes, and the API's other clients."""
    answers = ("answers/s", "answer p50 ms", "answer p95 ms")
    table = Table("symbols", "pages", "web CPU %", *answers, "API p50 ms", "API p95 ms", "kB an answer")
    for row in rows:
        names = ("symbols", "way", "cpu", "answers", "p50", "p95", "api_p50", "api_p95", "kb")
        table.add(*(row[name] for name in names))
    return str(table)


def scaling(rows: Rows) -> str:
    """What each shard's bars waited, by phase; round after round."""
    table = Table("shard", "phase", "bars", "p50 ms", "p95 ms", "max ms")
    for row in rows:
        table.add(*(row[name] for name in ("shard", "phase", "bars", "p50_ms", "p95_ms", "max_ms")))
    return str(table)


def peers(rows: Rows) -> str:
    """How fast each engine is."""
    table = Table("peer", "bars/s", "of the rounds", "p50 ms", "p95 ms", "out of order")
    for row in rows:
        rounds = spread([each["bars_per_second"] for each in row["rounds"]])
        figures = [row[name] for name in ("p50_ms", "p95_ms", "out_of_order")]
        table.add(row["peer"], row["bars_per_second"], rounds, *figures)
    return str(table)


def peers_faults(rows: Rows) -> str:
    """What each engine does with failures and kills."""
    kinds = ("retry_out_of_order", "kill_lost", "kill_doubled", "kill_out_of_order", "done_after_s", "lacks")
    table = Table("peer", "overtaken by retry", "after kill: lost", "doubled", "out of order", "done after s", "lacks")
    for row in rows:
        table.add(row["peer"], *(row[kind] for kind in kinds))
    return str(table)
