"""The tables of the measurements: markdown that is readable in a terminal too. No Django.

A measurement prints its own and stores the rows; the report writes the same table from the stored rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

CEILING, BARE, OURS, DETECTING = "ceiling", "bare", "ours", "ours, detectors on"
"""The cases of `engine`."""

PLAIN_GOAL = 0.45
BEST_GOALS = {"postgresql": 0.6, "sqlite": 0.85}
LATENCY_GOALS_MS = {"100/s, spread": 10.0, "100/s, bursts of 20": 50.0}
"""Goals: parts of the ceiling of plain prefork, on it and on the best kind of pool; and p95s."""

GROWTH_RATE = 100.0
"""Bars/s of the feeds of `growth`."""

P95_GOAL_MS = 20.0
P95_GOAL_SYMBOLS = 1_000
HISTORY_GOAL = 0.10
"""Of the plan: the p95 at 100 bars/s up to so many symbols of a worker; how far a history may change a bar's cost."""

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


@dataclass(frozen=True, slots=True)
class Medians:
    """The rounds of one case."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def of(self, name: str) -> Any:
        """The median of a figure; a dash if the case has none."""
        found = self.all(name)
        return round(median(found), 2) if found else "-"

    def all(self, name: str) -> list[float]:
        """The figures of all rounds."""
        return [row[name] for row in self.rows if name in row]


def _by_case(rows: Rows) -> dict[str, Medians]:
    found: dict[str, Medians] = {}
    for row in rows:
        found.setdefault(row["name"], Medians()).rows.append(row)
    return found


def growth(rows: Rows) -> str:
    """What a bar costs, by what has grown, and whether the goals are met; rows are cases and rounds."""
    drained = ("bars/s drained", "of the rounds", "first, middle, last third", "CPU ms a bar")
    table = Table("case", *drained, "p50 ms at 100/s", "p95 ms", "of the rounds", "p99 ms", "fed bars/s", "load")
    found = _by_case(rows)
    for case, rounds in found.items():
        of = rounds.of
        rates, p95s = (spread(rounds.all(name)) for name in ("rate", "p95_ms"))
        thirds = " ".join(str(of(f"rate_{part}")) for part in ("first", "middle", "last")) if rates else "-"
        name = f"{case} (once)" if rounds.rows[0]["once"] else case
        feed = (of("p50_ms"), of("p95_ms"), p95s or "-", of("p99_ms"), of("fed_rate"))
        table.add(name, of("rate"), rates or "-", thirds, of("cpu_ms"), *feed, of("load_1m"))
    lines = (*_symbols_verdicts(rows), *_history_verdicts(rows), *_retention_verdicts(rows))
    verdicts = [f"- {verdict}" for verdict in lines]
    return "\n".join((f"{table}\n", *verdicts))


def _symbols_verdicts(rows: Rows) -> Iterator[str]:
    for name, medians in _by_case([row for row in rows if row["group"] == "symbols"]).items():
        p95_ms = medians.of("p95_ms")
        judged = "no goal" if medians.rows[0]["symbols"] > P95_GOAL_SYMBOLS else met(p95_ms < P95_GOAL_MS)
        yield f"{name}, p95 at {GROWTH_RATE:g} bars/s: {p95_ms:g} ms, goal {P95_GOAL_MS:g}: {judged}"


def _history_verdicts(rows: Rows) -> Iterator[str]:
    """How far each history is from the shortest one."""
    found = list(_by_case([row for row in rows if row["group"] == "history"]).items())
    for name, medians in found[1:]:
        shortest, first = found[0]
        for figure, what in (("rate", "bars/s drained"), ("cpu_ms", "CPU ms a bar")):
            change = medians.of(figure) / first.of(figure) - 1
            judged = met(abs(change) <= HISTORY_GOAL)
            yield f"{name}, {what} beside a {shortest}: {change:+.1%}, goal ±{HISTORY_GOAL:.0%}: {judged}"


def _retention_verdicts(rows: Rows) -> Iterator[str]:
    """What forgetting old bars costs the others; there is no goal but that it does not show."""
    found = list(_by_case([row for row in rows if row["group"] == "retention"]).items())
    for name, medians in found[1:]:
        without_ms = found[0][1].of("p95_ms")
        counts = f"{medians.of('forgotten'):,.0f} forgotten; p95 {medians.of('p95_ms'):g} ms"
        yield f"{name}: {counts}, without that {without_ms:g} ms"


def met(is_met: bool) -> str:
    """Whether a goal is met, in words."""
    return "met" if is_met else "missed"


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
    whole = ("status of all p50 ms", "status of all p95 ms")
    table = Table("symbols", "pages", "web CPU %", *answers, "API p50 ms", "API p95 ms", *whole, "kB an answer")
    for row in rows:
        asked = ("api_p50", "api_p95", "status_p50", "status_p95")
        table.add(*(row[name] for name in ("symbols", "way", "cpu", "answers", "p50", "p95", *asked, "kb")))
    return str(table)


def scaling(rows: Rows) -> str:
    """What the bars waited, by phase; round after round."""
    table = Table("phase", "bars", "p50 ms", "p95 ms", "max ms")
    for row in rows:
        table.add(*(row[name] for name in ("phase", "bars", "p50_ms", "p95_ms", "max_ms")))
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


def memory(parts: Rows) -> str:
    """Memory of each process, and its growth."""
    pss = ("PSS at the start, MB", "after 10 min", "at the end", "growth, MB an hour")
    table = Table("process", "part", "processes", *pss, "RSS at the end, MB")
    for row in parts:
        settled = "-" if row["settled_pss_mb"] is None else row["settled_pss_mb"]
        memory = (row["start_pss_mb"], settled, row["end_pss_mb"], row["growth_mb_an_hour"], row["end_rss_mb"])
        table.add(row["process"], row["part"], row["processes"], *memory)
    return str(table)
