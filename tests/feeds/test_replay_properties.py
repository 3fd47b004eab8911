"""Whatever database and backlogs do, a replay stores every bar once, in order, and its account adds up."""

from collections import Counter
from enum import Enum

from django.db import OperationalError
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner_app.engine.ingest import Report
from scanner_app.engine.validation import Rejection
from scanner_app.feeds import replay
from scanner_app.feeds.patience import Outside, Patience
from scanner_app.feeds.replay import Replay
from tests.feeds.test_replay import T0, line, source


class Event(Enum):
    """What happens in a call of ingest."""

    ANSWERS = "answers"
    FAILS = "fails"  # nothing is committed
    COMMITS_AND_FAILS = "commits and fails"


class Scanner:
    """Stores bars, with room for a few of each symbol a call, and fails as the script says."""

    def __init__(self, script, room):
        self.script = [Event.ANSWERS, *script]  # a database that has answered once is waited for without an end
        self.room = room
        self.stored: list[tuple[str, object]] = []

    def accept(self, bars, *, now):
        event = self.script.pop(0) if self.script else Event.ANSWERS
        if event is Event.FAILS:
            raise OperationalError("away")
        room = dict.fromkeys("ABC", self.room.pop(0) if self.room else len(bars))
        report = Report()
        for index, bar in enumerate(bars):
            key = (bar["symbol"], bar["timestamp"])
            if key in self.stored:
                report.duplicates += 1
            elif room[bar["symbol"]] > 0:
                room[bar["symbol"]] -= 1
                self.stored.append(key)
                report.accepted += 1
            else:
                report.rejected.append(Rejection(index, "symbol", "backlog_full", "full"))
        if event is Event.COMMITS_AND_FAILS:
            raise OperationalError("away")
        return report


files = st.lists(st.lists(st.sampled_from("ABC"), max_size=40), min_size=1, max_size=3)


@settings(max_examples=200, deadline=None)
@given(
    files=files,
    script=st.lists(st.sampled_from(Event), max_size=12),
    room=st.lists(st.integers(0, 4), max_size=30),
    held=st.integers(1, 20),
    known=st.booleans(),
)
def test_every_bar_is_stored_once_and_in_order_and_the_account_adds_up(files, script, room, held, known):
    clock = [0.0]
    scanner = Scanner(script, room)
    sources, wanted = [], []
    for number, symbols in enumerate(files):
        lines = [line(symbol, 100 * number + day, file=f"{number}.csv") for day, symbol in enumerate(symbols)]
        wanted += [(each.symbol, each.moment) for each in lines]
        sources.append(source(lines, name=f"{number}.csv", symbols=symbols if known else ()))

    def sleep(seconds):
        clock[0] += seconds

    outside = Outside(now=lambda: T0, clock=lambda: clock[0], sleep=sleep, renew=lambda: None)
    small = {"BATCH": 7, "HELD_PER_SYMBOL": held, "HELD_IN_ALL": 2 * held}
    before = {name: getattr(replay, name) for name in small}
    try:
        vars(replay).update(small)
        tally = Replay(sources, scanner.accept, patience=Patience(outside)).run()
    finally:
        vars(replay).update(before)

    for symbol in "ABC":
        assert [key for key in scanner.stored if key[0] == symbol] == [key for key in wanted if key[0] == symbol]
    assert Counter(scanner.stored) == Counter(wanted)
    assert tally.accepted <= len(wanted) <= tally.accepted + tally.sent_again
    assert (tally.done, tally.waiting, tally.unanswered) == (tally.accepted + tally.duplicates, 0, 0)
    assert tally.clean
