"""Tables of the measurements that goals.py judges, beside those of tables.py."""

from benchmarks.tables import Rows, Table, met, spread


def goals(rows: Rows) -> str:
    """Each figure, its goal, and whether it is met."""
    table = Table("figure", "database", "value", "goal", "", "part", "measured (UTC)")
    for row in rows:
        values = (row["figure"], row["database"], row["value"], row["goal"], met(row["met"]), row["part"])
        table.add(*values, row["measured"].replace("T", " "))
    return str(table)


def footprint(rows: Rows) -> str:
    """Memory of all that `make up` runs."""
    table = Table("process", "processes", "PSS at the start, MB", "at the end", "most", "growth, MB an hour")
    for row in rows:
        table.add(
            *(row[name] for name in ("process", "processes", "start_mb", "end_mb", "most_mb", "growth_mb_an_hour"))
        )
    return str(table)


def snapshot(rows: Rows) -> str:
    """What a held snapshot costs."""
    table = Table("", "bars/s drained", "ms a bar", "CPU ms a bar of the workers", "p95 ms at 100/s")
    for row in rows:
        table.add(row["what"], row["rate"], row["bar_ms"], row["cpu_ms"], row.get("p95_ms", "-"))
    return str(table)


def day(rows: Rows) -> str:
    """Each minute of a day in little."""
    table = Table("minute", "waiting before", "accepted after s", "last done after s", "PSS of all, MB")
    for row in rows:
        done = "not within the minute" if row["done_s"] is None else row["done_s"]
        table.add(row["minute"], row["waiting_before"], row["accepted_s"], done, row["pss_mb"])
    return str(table)


def opening(rows: Rows) -> str:
    """Bursts, first bars and a steady feed."""
    table = Table("case", "ms", "of the rounds")
    for row in rows:
        table.add(row["what"], row["value_ms"], spread(row["rounds_ms"]))
    return str(table)


def status(rows: Rows) -> str:
    """What readers of many symbols wait for."""
    asked = ("status p50 ms", "p95 ms", "p99 ms", "kB an answer")
    table = Table("symbols", *asked, "board's first paint ms", "of a cold web process ms")
    for row in rows:
        figures = [row[f"status_{name}"] for name in ("p50_ms", "p95_ms", "p99_ms", "kb")]
        painted = ["-" if row[name] is None else row[name] for name in ("board_ms", "board_cold_ms")]
        table.add(row["symbols"], *figures, *painted)
    return str(table)
