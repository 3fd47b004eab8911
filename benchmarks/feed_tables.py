"""Tables of the measurements of live feeds, derived timeframes and faults, beside those of tables.py."""

from statistics import median

from benchmarks.tables import Rows, Table, spread


def feeds(rows: Rows) -> str:
    """What a feed of many symbols costs, and how long its bars take."""
    process = ("feed's CPU %", "PSS MB at the end", "most", "RSS MB")
    table = Table("phase", "s", *process, "live bars", "venue to signal p50 ms", "p95 ms", "worst ms")
    for row in rows:
        figures = [row[name] for name in ("seconds", "cpu", "pss_mb", "most_pss_mb", "rss_mb", "live_bars")]
        waited = ["-" if row[name] is None else row[name] for name in ("p50_ms", "p95_ms", "max_ms")]
        table.add(row["phase"], *figures, *waited)
    first = rows[0]
    refill = f"{first['refilled']:,} bars of {first['symbols']} symbols"
    times = f"the last was stored after {first['stored_s']:,} s and processed after {first['done_s']:,} s"
    return f"{table}\n\n- the refill: {refill}; {times}"


def derived(rows: Rows) -> str:
    """Bars without derived timeframes beside the same bars with them."""
    table = Table(
        "case", "base bars/s drained", "of the rounds", "CPU ms a base bar", "p50 ms at 100/s", "p95 ms",
        "of the rounds", "derived bars' p95 ms", "derived a base bar",
    )  # fmt: skip
    names = list(dict.fromkeys(row["case"] for row in rows))
    medians: dict[str, dict[str, float]] = {}
    for name in names:
        mine = [row for row in rows if row["case"] == name]
        of = {each: round(median(row[each] for row in mine), 2) for each in ("rate", "cpu_ms", "p50_ms", "p95_ms")}
        medians[name] = of
        derived_ms = [row["derived_p95_ms"] for row in mine if row["derived_p95_ms"] is not None]
        table.add(
            name, of["rate"], spread([row["rate"] for row in mine]), of["cpu_ms"], of["p50_ms"], of["p95_ms"],
            spread([row["p95_ms"] for row in mine]), round(median(derived_ms), 1) if derived_ms else "-",
            round(median(row["derived_share"] for row in mine), 3),
        )  # fmt: skip
    first = medians[names[0]]
    ratios = [
        f"- {name} beside {names[0]}: "
        f"rate x {of['rate'] / first['rate']:.2f}, CPU x {of['cpu_ms'] / first['cpu_ms']:.2f}, "
        f"p95 x {of['p95_ms'] / first['p95_ms']:.2f}"
        for name, of in list(medians.items())[1:]
    ]
    return "\n".join((f"{table}\n", *ratios))


def recovery(rows: Rows) -> str:
    """How long until all bars were done again, by kind of fault."""
    table = Table("fault", "times", "recovered after s, median", "worst", "of each", "longest wait of a bar, s")
    for kind in sorted({row["kind"] for row in rows}):
        mine = [row for row in rows if row["kind"] == kind]
        took, longest = [row["recovered_s"] for row in mine], max(row["longest_s"] for row in mine)
        table.add(kind, len(took), round(median(took), 1), max(took), spread(took), longest)
    return str(table)
