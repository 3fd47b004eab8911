"""Tables of the measurements that goals.py runs, beside those of tables.py."""

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


def judging(rows: Rows) -> str:
    """What rules cost a running scanner."""
    drained = ("bars/s drained", "of the rounds", "over none", "CPU ms a bar", "hits a bar")
    table = Table("rules", *drained, "p50 ms at 100/s", "p95 ms", "of the rounds", "over none")
    for row in rows:
        drain = (row["rate"], spread(row["rate_rounds"]), row["rate_ratio"], row["cpu_ms"], row["hits"])
        table.add(row["rules"], *drain, row["p50_ms"], row["p95_ms"], spread(row["p95_rounds_ms"]), row["p95_ratio"])
    return str(table)


def streams(rows: Rows) -> str:
    """What open streams cost: the cases side by side, a line for each figure."""
    table = Table("", *(f"{row['streams']} open streams" for row in rows), "ratio")
    last = rows[-1]
    for name, what in STREAM_FIGURES.items():
        table.add(what, *(row.get(name, "-") for row in rows), last["ratios"].get(name, "-"))
    return str(table)


STREAM_FIGURES = {
    "status_p50_ms": "`GET status`, p50 ms",
    "status_p95_ms": "p95 ms",
    "signals_p50_ms": "`GET signals`, 20 of them, p50 ms",
    "signals_p95_ms": "p95 ms",
    "post_p50_ms": "`POST bars`, ten of them, p50 ms",
    "post_p95_ms": "p95 ms",
    "bar_p50_ms": "a bar's latency, p50 ms",
    "bar_p95_ms": "p95 ms",
    "fed_rate": "bars/s that were fed",
    "web_cpu": "web processes, % of a core",
    "signals": "signals that came",
    "complete": "readers that got each of them once, in order",
    "event_p50_ms": "an event after its bar was done, p50 ms",
    "event_p95_ms": "p95 ms",
}


def broken_detector(rows: Rows) -> str:
    """A detector that fails on all symbols, beside the same bars without that; a line for each figure."""
    table = Table("figure", "undisturbed", "broken", "of the rounds")
    for row in rows:
        table.add(row["figure"], row["undisturbed"], row["broken"], spread(row["rounds"]))
    return str(table)


def revising(rows: Rows) -> str:
    """Live bars beside a long series that is revised; a line for each figure."""
    table = Table("figure", "undisturbed", "revised")
    for row in rows:
        table.add(row["figure"], row["undisturbed"], row["revised"])
    return str(table)
