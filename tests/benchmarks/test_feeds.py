"""The measurements of live feeds: the venue's bars, recovery times, and their tables."""

from benchmarks import feed_tables
from benchmarks.recovery import Recovery, Struck, recoveries
from benchmarks.venue import Made

MINUTE_MS = 60_000
T0_MS = 1_790_000_040_000


def test_the_venue_tells_the_same_of_a_bar_whenever_it_is_asked():
    first, second = (Made(["AUSDT", "BUSDT"], "1m") for _ in range(2))

    assert first.kline("AUSDT", "1m", T0_MS) == second.kline("AUSDT", "1m", T0_MS)


def test_bars_of_the_venue_differ_by_symbol_and_time_and_hold_together():
    made = Made(["AUSDT", "BUSDT"], "1m")
    bars = [made.kline(name, "1m", T0_MS + step * MINUTE_MS) for name in ("AUSDT", "BUSDT") for step in range(20)]

    assert len({(bar.open_ms, bar.open, bar.close, bar.volume) for bar in bars if bar}) == 40
    assert all(bar and bar.low < min(bar.open, bar.close) and bar.high > max(bar.open, bar.close) for bar in bars)


def test_the_venue_has_no_bars_of_others():
    assert Made(["AUSDT"], "1m").kline("BUSDT", "1m", T0_MS) is None
    assert Made(["AUSDT"], "1m").kline("AUSDT", "1h", T0_MS) is None


def test_a_fault_lasts_until_the_last_bar_that_it_made_late_was_done():
    bars = [(9.0, 9.1), (11.0, 17.5), (12.0, 18.0), (17.0, 18.5), (19.0, 19.1)]

    assert recoveries([Struck("kill_feed", 10.0, 13.0)], bars) == [Recovery(recovered_s=5.0, longest_s=6.5)]


def test_a_fault_that_makes_no_bar_late_has_no_recovery():
    assert recoveries([Struck("kill_child", 10.0, 10.0)], [(10.0, 11.0), (11.0, 11.2)]) == [
        Recovery(recovered_s=0.0, longest_s=1.0)
    ]


def test_bars_of_the_next_fault_are_not_the_first_ones():
    struck = [Struck("kill_child", 10.0, 10.0), Struck("kill_feed", 30.0, 30.0)]

    assert recoveries(struck, [(29.5, 36.0), (31.0, 36.5)]) == [
        Recovery(recovered_s=0.0, longest_s=0.0),
        Recovery(recovered_s=6.5, longest_s=6.5),
    ]


def test_the_table_of_recoveries_has_a_line_a_kind_with_median_and_worst():
    rows = [{"kind": "kill_feed", "recovered_s": took, "longest_s": took + 2} for took in (9.0, 12.5, 10.0)]

    table = feed_tables.recovery([*rows, {"kind": "kill_child", "recovered_s": 0.0, "longest_s": 1.5}])

    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]] == [
        ["kill_child", "1", "0", "0", "0", "1.5"],
        ["kill_feed", "3", "10", "12.5", "9 12.5 10", "14.5"],
    ]


def test_the_table_of_derived_timeframes_names_the_ratios():
    plain = {"case": "none", "rate": 200.0, "cpu_ms": 4.0, "p50_ms": 5.0, "p95_ms": 10.0}
    more = {**plain, "case": "5m", "rate": 150.0, "cpu_ms": 5.0, "p95_ms": 15.0}

    table = feed_tables.derived(
        [
            {**plain, "derived_p95_ms": None, "derived_share": 0.0},
            {**more, "derived_p95_ms": 20.0, "derived_share": 0.2},
        ]
    )

    assert table.splitlines()[-1] == "- 5m beside none: rate x 0.75, CPU x 1.25, p95 x 1.50"


def test_the_table_of_a_feed_says_how_long_its_refill_took():
    common = {"seconds": 60.0, "cpu": 5.0, "pss_mb": 90.0, "most_pss_mb": 95.0, "rss_mb": 120.0, "live_bars": 0}
    waited = {"p50_ms": None, "p95_ms": None, "max_ms": None}
    refill = {"phase": "refill", "refilled": 5_000, "symbols": 50, "stored_s": 4.0, "done_s": 30.0}

    table = feed_tables.feeds([{**common, **waited, **refill}, {**common, **waited, "phase": "live"}])

    assert table.splitlines()[-1].endswith(
        "5,000 bars of 50 symbols; the last was stored after 4.0 s and processed after 30.0 s"
    )
