"""Merging, pace, full backlogs and the account, with a made-up ingest and a made-up clock."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from scanner_app.engine.ingest import Conflict, Report
from scanner_app.engine.validation import Rejection
from scanner_app.feeds import replay
from scanner_app.feeds.bundled import load_series
from scanner_app.feeds.pace import at_rate, at_speed
from scanner_app.feeds.patience import Outside, Patience
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.replay import Replay, Source, from_series
from scanner_app.feeds.tally import Line, Tally, summary

T0 = datetime(2020, 1, 1, tzinfo=UTC)


def line(symbol, day, *, file=None, number=None, timestamp=None):
    """One line of a made-up file; ingest below only looks at its symbol."""
    bar = {"symbol": symbol, "timeframe": "1d", "timestamp": timestamp or T0 + timedelta(days=day)}
    return Line(file or f"{symbol}.csv", day + 1 if number is None else number, bar)


def source(lines, name=None, *, symbols=()):
    lines = list(lines)
    return Source(name=name or lines[0].file, lines=iter(lines), share=lambda: 1.0, symbols=frozenset(symbols))


def days(symbol, count, *, start=0):
    return source((line(symbol, start + day) for day in range(count)), symbols={symbol})


@dataclass
class World:
    """A clock that only sleep moves, and an ingest that rejects what `verdict` names."""

    time: float = 1000.0
    cost_s: float = 0.0  # of one call of ingest
    slept: list[float] = field(default_factory=list)
    calls: list[tuple[float, list[tuple[str, int]]]] = field(
        default_factory=list
    )  # (seconds since the start, [(symbol, day), ...])
    said: list[str] = field(default_factory=list)
    taken: list[tuple[str, int]] = field(default_factory=list)  # (symbol, day) in the order of acceptance
    verdict: Callable[[Any, Any], str | None] = lambda bar, world: None

    def clock(self):
        return self.time

    def sleep(self, seconds):
        assert seconds > 0, "a sleep of nothing is a busy loop"
        self.slept.append(seconds)
        # A real sleep takes some time, however short; a float of 1000 cannot grow by 1e-14.
        self.time += max(seconds, 2**-30)

    @property
    def elapsed(self):
        return self.time - 1000.0

    def accept(self, bars, *, now):
        assert 1 <= len(bars) <= 500
        assert now == T0
        keys = [(bar["symbol"], (bar["timestamp"] - T0).days) for bar in bars]
        self.calls.append((self.elapsed, keys))
        rejected = []
        for index, (bar, key) in enumerate(zip(bars, keys, strict=True)):
            if (reason := self.verdict(bar, self)) is None:
                self.taken.append(key)
            else:
                rejected.append(Rejection(index=index, field="symbol", reason=reason, message="No."))
        self.time += self.cost_s
        return Report(accepted=len(bars) - len(rejected), duplicates=0, conflicts=[], rejected=rejected)

    def run(self, *sources, **options):
        return Replay(sources, self.accept, patience=self.patience(), **options).run()

    def patience(self, sleep=None):
        return Patience(
            Outside(
                now=lambda: T0, clock=self.clock, sleep=sleep or self.sleep, say=self.said.append, renew=lambda: None
            )
        )

    def times(self):
        """The second in which each bar was given to ingest."""
        return [second for second, keys in self.calls for _ in keys]


@pytest.fixture
def world():
    return World()


# --- order


def test_files_are_merged_in_order_of_time(world):
    world.run(days("B", 3), days("A", 3, start=1))

    assert world.taken == [("B", 0), ("B", 1), ("A", 1), ("B", 2), ("A", 2), ("A", 3)]


def test_in_turn_each_source_gives_one_bar_until_all_are_through(world):
    world.run(days("A", 3), days("B", 1, start=100), days("C", 2, start=50), round_robin=True)

    assert world.taken == [("A", 0), ("B", 100), ("C", 50), ("A", 1), ("C", 51), ("A", 2)]


def test_a_file_out_of_order_keeps_its_own_order_and_the_account_says_so(world):
    newest_first = source([line("A", 2), line("A", 1), line("A", 0)])

    tally = world.run(newest_first, days("B", 2))

    assert [key for key in world.taken if key[0] == "A"] == [("A", 2), ("A", 1), ("A", 0)]
    assert tally.disorder == {"A.csv": 2}
    assert "A.csv: 2 bars are older than the bar before them" in summary(tally)


def test_a_file_of_one_symbol_after_another_is_in_order(world):
    tally = world.run(source([line("A", 0), line("A", 1), line("B", 0), line("B", 1)]))

    assert not tally.disorder


def test_no_source_and_empty_sources_end_at_once(world):
    tally = world.run(source([], name="empty.csv"))

    assert (tally.accepted, world.calls, world.slept) == (0, [], [])
    assert world.run().accepted == 0


def test_many_bars_go_in_calls_of_at_most_a_batch(world):
    tally = world.run(days("A", 1_201))

    assert [len(keys) for _, keys in world.calls] == [500, 500, 201]
    assert tally.accepted == 1_201
    assert world.slept == []


# --- pace


def test_a_rate_gives_one_bar_each_interval_from_the_start_on(world):
    world.run(days("A", 5), pace=at_rate(4))

    assert world.times() == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_rate_does_not_drift_though_ingest_takes_time(world):
    world.cost_s = 0.125

    world.run(days("A", 9), pace=at_rate(4))

    assert world.times() == [0.25 * n for n in range(9)]


def test_a_rate_catches_up_after_a_slow_call(world):
    world.cost_s = 1.0

    world.run(days("A", 9), pace=at_rate(4))

    assert [len(keys) for _, keys in world.calls] == [1, 4, 4]
    assert world.elapsed == 3.0


def test_speed_follows_the_timestamps(world):
    world.run(days("A", 3), days("B", 1, start=1), pace=at_speed(86_400 / 2))

    assert world.calls == [(0, [("A", 0)]), (2, [("A", 1), ("B", 1)]), (4, [("A", 2)])]


def test_at_speed_a_bar_without_a_readable_time_goes_with_its_predecessor():
    due = at_speed(86_400)

    seconds = [due(each, 0) for each in (line("A", 0), line("A", 2), line("A", 9, timestamp="soon"), line("A", 1))]

    assert seconds == [0, 2, 2, 2]


def test_a_long_pause_is_slept_in_pieces(world):
    world.run(days("A", 2), pace=at_speed(864))

    assert world.slept == [60, 40]


# --- full backlogs


def full_until(second, symbol="A"):
    return lambda bar, world: "backlog_full" if bar["symbol"] == symbol and world.elapsed < second else None


def test_a_bar_that_finds_the_backlog_full_is_tried_again_and_not_counted_as_rejected(world):
    world.verdict = full_until(2.5)

    tally = world.run(days("A", 3))

    assert world.taken == [("A", 0), ("A", 1), ("A", 2)]
    assert (tally.accepted, tally.rejected, tally.rejected_count, tally.waiting) == (3, [], 0, 0)
    assert tally.clean
    assert world.slept == [1, 2]


def test_other_symbols_go_on_while_one_is_full_and_its_order_is_kept(world):
    world.verdict = full_until(3)

    world.run(days("A", 5), days("B", 5), pace=at_rate(2))

    assert [key for key in world.taken if key[0] == "B"] == [("B", day) for day in range(5)]
    assert [key for key in world.taken if key[0] == "A"] == [("A", day) for day in range(5)]
    sent_b = [second for second, keys in world.calls for symbol, _ in keys if symbol == "B"]
    assert sent_b == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_a_retry_takes_no_place_of_the_rate(world):
    world.verdict = full_until(2)

    world.run(days("A", 1), days("B", 5), pace=at_rate(1))

    assert world.elapsed == 5.0


def test_room_for_a_few_bars_at_a_time_lets_all_through_in_order(world):
    left: defaultdict[int, int] = defaultdict(lambda: 7)

    def verdict(bar, world):
        second = int(world.elapsed)
        left[second] -= 1
        return None if left[second] >= 0 else "backlog_full"

    world.verdict = verdict
    tally = world.run(days("A", 40))

    assert world.taken == [("A", day) for day in range(40)]
    assert tally.accepted == 40
    assert world.elapsed == 5.0


def test_a_symbol_is_one_symbol_whatever_the_case(world):
    world.verdict = lambda bar, world: "backlog_full" if world.elapsed < 1 else None
    mixed = source([line("a", 0), line("A", 1), line("a", 2)])

    world.run(mixed, pace=at_rate(4))

    assert [day for _, day in world.taken] == [0, 1, 2]


def test_a_full_symbol_does_not_hold_up_another_file_however_long_its_own_is(world, monkeypatch):
    monkeypatch.setattr(replay, "HELD_PER_SYMBOL", 10)
    world.verdict = full_until(2)

    world.run(days("A", 1_200), days("B", 1_200))

    first_second = [key for key in world.taken[:1_200] if key[0] == "B"]
    assert len(first_second) == 1_200
    assert [day for symbol, day in world.taken if symbol == "A"] == list(range(1_200))


def test_a_full_symbols_own_file_is_not_read_far_ahead(world, monkeypatch):
    monkeypatch.setattr(replay, "HELD_PER_SYMBOL", 10)
    read: list[int] = []

    def lines():
        for day in range(5_000):
            read.append(day)
            yield line("A", day)

    def verdict(bar, world):
        if world.elapsed < 3:
            assert len(read) <= 511  # the first batch, those held on top, the one in hand
            return "backlog_full"
        return None

    world.verdict = verdict
    tally = world.run(Source(name="A.csv", lines=lines(), share=lambda: 1.0))

    assert tally.accepted == 5_000
    assert [day for _, day in world.taken] == list(range(5_000))


def test_two_files_of_a_full_symbol_stay_in_order_of_time(world, monkeypatch):
    monkeypatch.setattr(replay, "HELD_PER_SYMBOL", 10)
    world.verdict = full_until(2)
    odd = source((line("A", day) for day in range(1, 1_400, 2)), name="odd.csv")
    even = source((line("A", day) for day in range(0, 1_400, 2)), name="even.csv")

    world.run(odd, even)

    assert [day for _, day in world.taken] == list(range(1_400))


@pytest.mark.parametrize("symbols", [{"A", "B"}, ()])
def test_a_files_later_bars_of_a_symbol_are_not_overtaken_by_the_next_file(world, monkeypatch, symbols):
    """January's file has B, of which too much is held already, before A; February's file begins with A."""
    monkeypatch.setattr(replay, "HELD_PER_SYMBOL", 10)
    world.verdict = full_until(5, "B")
    january = source([*(line("B", day) for day in range(600)), line("A", 600)], "01.csv", symbols=symbols)
    february = source([line("A", 700), line("B", 701)], "02.csv", symbols=symbols)

    world.run(january, february)

    assert [day for symbol, day in world.taken if symbol == "A"] == [600, 700]


def test_what_is_held_is_bounded_over_all_symbols(world, monkeypatch):
    monkeypatch.setattr(replay, "HELD_IN_ALL", 600)
    read = []

    def lines():
        for day in range(5_000):
            read.append(day)
            yield line(f"S{day % 50}", day)

    def verdict(bar, world):
        if world.elapsed < 3:
            assert len(read) <= 1_200
            return "backlog_full"
        return None

    world.verdict = verdict
    tally = world.run(Source(name="many.csv", lines=lines(), share=lambda: 1.0))

    assert tally.accepted == 5_000
    for number in range(50):
        taken = [day for symbol, day in world.taken if symbol == f"S{number}"]
        assert taken == sorted(taken)


def test_what_still_waits_when_the_replay_is_stopped_is_reported(world):
    world.verdict = full_until(1e9)
    tally = Tally()

    def stop(seconds):
        raise KeyboardInterrupt

    run = Replay([days("A", 5)], world.accept, patience=world.patience(stop), tally=tally)
    with pytest.raises(KeyboardInterrupt):
        run.run()

    assert (tally.accepted, tally.waiting) == (0, 5)
    assert "5 not sent, their symbol's backlog being full" in summary(tally)


def test_the_pause_doubles_while_nothing_of_the_symbol_is_taken_and_is_short_again_afterwards(world):
    world.verdict = lambda bar, world: (
        "backlog_full" if world.elapsed < 20 or ((bar["timestamp"] - T0).days > 1 and world.elapsed < 30) else None
    )

    world.run(days("A", 4))

    assert world.slept == [1, 2, 4, 8, 10, 1, 2, 4]


def test_a_full_backlog_is_said_once_however_often_it_is_full_and_once_when_all_is_through(world):
    seconds: list[int] = []

    def verdict(bar, world):
        seconds.append(int(world.elapsed))
        return "backlog_full" if bar["symbol"] == "A" and seconds.count(int(world.elapsed)) > 7 else None

    world.verdict = verdict
    world.run(days("A", 60), days("B", 1))

    waits, goes_on = world.said
    assert waits.startswith("Waits since 2020-01-01 00:00:00 UTC for room in the backlog of A: the bars are held back")
    assert goes_on.endswith("after 8 s: all bars that were held back are through")


def test_after_a_calm_while_the_next_full_backlog_is_a_new_wait(world):
    full = {0, 1, 30}
    world.verdict = lambda bar, world: "backlog_full" if int(world.elapsed) in full else None

    world.run(days("A", 40), pace=at_rate(1))

    assert [line.split()[0] for line in world.said] == ["Waits", "Goes", "Waits", "Goes"]


# --- the database is away


def away_until(second, error=None):
    def verdict(bar, world):
        if world.elapsed < second:
            raise error or OperationalError("the database system is shutting down")

    return verdict


def test_a_database_that_is_away_is_waited_for_with_growing_pauses_and_no_bar_is_lost_or_doubled(world):
    world.verdict = lambda bar, world: away_until(40)(bar, world) if world.elapsed >= 5 else None

    tally = world.run(days("A", 10), pace=at_rate(1))

    assert world.taken == [("A", day) for day in range(10)]
    assert (tally.accepted, tally.clean) == (10, True)
    assert world.slept[5:12] == [0.5, 1, 2, 4, 8, 15, 15]


def test_the_wait_is_said_when_it_begins_and_when_it_is_over(world):
    world.verdict = lambda bar, world: away_until(40)(bar, world) if world.elapsed >= 5 else None

    world.run(days("A", 10), pace=at_rate(1))

    assert world.said == [
        "Waits since 2020-01-01 00:00:00 UTC for the database: OperationalError: the database system is shutting down",
        "Goes on at 2020-01-01 00:00:00 UTC, after 46 s: the database answers",
    ]


def test_a_rate_makes_no_rush_of_an_outage(world):
    world.verdict = lambda bar, world: away_until(40)(bar, world) if world.elapsed >= 5 else None

    world.run(days("A", 10), pace=at_rate(1))

    assert all(len(keys) == 1 for _, keys in world.calls)


def test_a_call_whose_commit_is_uncertain_is_sent_again_and_the_account_says_how_many_duplicates_may_be_its_own(world):
    committed: set[Any] = set()

    def accept(bars, *, now):
        report = world.accept(bars, now=now)
        known = [bar["timestamp"] for bar in bars if bar["timestamp"] in committed]
        committed.update(bar["timestamp"] for bar in bars)
        if not known and len(world.calls) == 2:
            raise InterfaceError("connection already closed")  # after the commit
        return replace(report, accepted=len(bars) - len(known), duplicates=len(known))

    tally = Replay([days("A", 1_200)], accept, patience=world.patience()).run()

    assert (tally.accepted, tally.duplicates, tally.sent_again) == (700, 500, 500)
    assert "500 duplicates came in calls that were sent again after an outage: the first sending may" in summary(tally)


def test_a_database_that_never_answers_is_waited_for_a_minute_only(world):
    world.verdict = away_until(1e9, OperationalError("no such role"))

    with pytest.raises(OperationalError, match="no such role"):
        world.run(days("A", 1))

    assert 60 <= world.elapsed < 76


def test_what_no_waiting_mends_ends_the_replay_at_once(world):
    error = OperationalError("no such table: scanner_app_bar")
    error.__cause__ = sqlite_error("SELECT * FROM scanner_app_bar")
    world.verdict = lambda bar, world: away_until(1e9, error)(bar, world) if world.elapsed > 0 else None

    with pytest.raises(OperationalError, match="no such table"):
        world.run(days("A", 5), pace=at_rate(1))

    assert world.elapsed == 1


def test_a_database_that_is_locked_is_waited_for(world, tmp_path):
    error = OperationalError("database is locked")
    with closing(sqlite3.connect(tmp_path / "db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        error.__cause__ = sqlite_error("CREATE TABLE t (c)", tmp_path / "db")
    world.verdict = lambda bar, world: away_until(300, error)(bar, world) if world.elapsed > 0 else None

    tally = world.run(days("A", 5), pace=at_rate(1))

    assert (tally.accepted, tally.clean) == (5, True)


def sqlite_error(statement, path=":memory:"):
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            database.execute(statement)
        except sqlite3.OperationalError as exc:
            return exc
    raise AssertionError("no error")


def test_bars_that_got_no_answer_before_the_end_are_in_the_account(world):
    tally = Tally()

    def stop(seconds):
        raise KeyboardInterrupt

    world.verdict = away_until(1e9)
    with pytest.raises(KeyboardInterrupt):
        Replay([days("A", 5)], world.accept, patience=world.patience(stop), tally=tally).run()

    assert (tally.accepted, tally.unanswered, tally.clean) == (0, 5, False)
    assert "5 bars got no answer before the end" in summary(tally)


# --- the account


def test_rejections_and_conflicts_are_told_by_file_and_line():
    batch = [line("A", 0), line("B", 7), line("A", 1), line("C", 3)]
    report = Report(
        accepted=1,
        duplicates=1,
        conflicts=[Conflict(index=1, symbol="B", timeframe="1d", timestamp=T0, stored={}, sent={})],
        rejected=[Rejection(index=3, field="high", reason="invalid", message="high is below low")],
    )
    tally = Tally()

    assert tally.take(batch, report) == []

    account = tally.as_json()
    assert account["accepted"] == account["duplicates"] == 1
    assert account["conflicts"] == [
        {"file": "B.csv", "line": 8, "symbol": "B", "timeframe": "1d", "timestamp": "2020-01-01T00:00:00Z"}
    ]
    assert account["rejected"] == [
        {"file": "C.csv", "line": 4, "field": "high", "reason": "invalid", "message": "high is below low"}
    ]
    assert not tally.clean
    assert summary(tally).splitlines() == [
        "1 accepted, 1 duplicates, 1 conflicts, 1 rejected in 0.0 s",
        "C.csv:4: rejected (invalid): high is below low",
        "B.csv:8: conflict: B 1d 2020-01-01T00:00:00Z is known with other values",
        "To store the values of the files in place of those that are known, replay them with --revise",
    ]


@pytest.mark.parametrize("reason", ["invalid", "too_old", "unknown_symbol", "too_many_symbols", "deleted"])
def test_every_other_rejection_is_final(world, reason):
    world.verdict = lambda bar, world: reason if bar["symbol"] == "B" else None

    tally = world.run(days("A", 2), days("B", 2))

    assert [(row["file"], row["line"], row["reason"]) for row in tally.rejected] == [
        ("B.csv", 1, reason),
        ("B.csv", 2, reason),
    ]
    assert tally.accepted == 2
    assert world.slept == []


def test_lines_of_retried_bars_are_still_the_files(world):
    seen = []

    def verdict(bar, world):
        day = (bar["timestamp"] - T0).days
        seen.append(day)
        if seen.count(day) == 1:
            return "backlog_full"
        return "invalid" if day == 2 else None

    world.verdict = verdict
    tally = world.run(days("A", 4))

    assert [(row["file"], row["line"]) for row in tally.rejected] == [("A.csv", 3)]
    assert tally.accepted == 3


def test_a_long_list_is_cut_in_the_summary_and_in_the_account(world, monkeypatch):
    monkeypatch.setattr("scanner_app.feeds.tally.LISTED", 30)
    world.verdict = lambda bar, world: "invalid"

    tally = world.run(days("A", 50))

    assert (len(tally.rejected), tally.rejected_count) == (30, 50)
    assert len(summary(tally).splitlines()) == 22
    assert summary(tally).splitlines()[-1] == "... and 30 more lines"


def test_a_file_damaged_further_on_is_fed_to_there_and_the_others_to_their_end(world):
    def lines():
        yield from (line("A", day) for day in range(600))
        raise FeedError("A.csv: cannot be read beyond line 601")

    tally = Tally()
    with pytest.raises(FeedError, match="beyond line 601"):
        world.run(Source(name="A.csv", lines=lines(), share=lambda: 1.0), days("B", 700), tally=tally)

    assert tally.accepted == 1_300


def test_progress_is_told_after_each_call(world):
    shares: list[float] = []

    world.run(days("A", 501), days("B", 1), on_progress=shares.append)

    assert shares == [1.0, 1.0]


# --- the bundled series


def test_a_bundled_series_gives_its_bars_as_lines():
    series = load_series()[0]
    given = from_series(series)

    lines = list(given.lines)

    assert len(lines) == len(series)
    first = lines[0].bar
    assert tuple(lines[0]) == (
        "bundled:005930",
        1,
        {
            "symbol": "005930",
            "timeframe": "1d",
            "timestamp": series.timestamps[0].item().replace(tzinfo=UTC),
            "open": series.open[0],
            "high": series.high[0],
            "low": series.low[0],
            "close": series.close[0],
            "volume": series.volume[0],
        },
    )
    assert {type(value) for value in first.values()} == {str, float, datetime}
    assert given.share() == 1


def test_all_twenty_series_are_seen_in_the_first_twenty_bars(world):
    tally = world.run(*map(from_series, load_series()), round_robin=True, pace=at_rate(20))

    assert len({symbol for symbol, _ in world.taken[:20]}) == 20
    assert tally.accepted == sum(map(len, load_series()))
    assert world.elapsed == pytest.approx((tally.accepted - 1) / 20)
