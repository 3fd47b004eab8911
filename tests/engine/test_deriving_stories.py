"""Derived bars under random stories: late and revised bars, quarantine, kills, two at once, in any order.

At the end, when everything has been done that waits, there is one bar of each period, and it is what the processed base
bars amount to. The runs overlap as they do in life: what a base bar means is worked out before its transaction, and
other things happen in between.
"""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import deriving, reruns, runs
from scanner_app.mailbox import derived as mailbox_derived
from scanner_app.mailbox import quarantine
from scanner_app.mailbox import reruns as mailbox_reruns
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, QuarantinedBar, Symbol, SymbolStatus
from tests.conftest import live_message, new_bar, row_of, start_head
from tests.engine.test_deriving import (
    LATER,
    NOW,
    check_log,
    derive,
    expected,
    feed,
    rows_of,
    settle,
    walk,
)

__all__ = ["derive"]

pytestmark = pytest.mark.django_db

STEPS = 150


class Story:
    """One symbol, and what may happen to it."""

    def __init__(self, seed, calendar):
        self.chance = random.Random(seed)  # noqa: S311 - the same on each run
        self.now = LATER
        create_symbols(["AAPL"], at_most=10, now=NOW)
        Symbol.objects.update(calendar=calendar)
        self.symbol = Symbol.objects.get()
        bars = walk("2026-03-05 19:00", "2026-03-06 16:00", seed=seed, holes=0.1)
        self.left = bars  # not fed yet
        self.fed = []
        self.other = walk("2026-03-05 19:00", "2026-03-06 16:00", seed=seed + 1_000)  # values of revisions

    def feed_next(self):
        count = self.chance.randint(1, 8)
        feed(self.left[:count])
        self.fed += self.left[:count]
        del self.left[:count]

    def feed_some_later_ones(self):
        """Those before them will be late."""
        chosen = self.chance.sample(self.left, min(len(self.left), self.chance.randint(1, 8)))
        chosen.sort(key=lambda bar: bar.timestamp)
        feed(chosen)
        self.fed += chosen
        self.left = [bar for bar in self.left if bar not in chosen]

    def run_heads(self):
        for _ in range(self.chance.randint(1, 10)):
            if row_of(self.symbol).head is not None:
                runs.process_head(live_message(self.symbol))

    def run_head_slowly(self):
        """Something happens between the reading and the transaction; perhaps it is killed before or doubled after."""
        if row_of(self.symbol).head is None:
            return
        ticket = start_head(self.symbol, now=self.now)
        plan = deriving.plan(ticket, now=self.now)
        self.chance.choice([self.revise, self.feed_next, self.make_overdue, self.run_again, self.skip])()
        for _ in range(self.chance.randint(0, 2)):
            mailbox.complete(ticket, [], now=self.now, derived=plan)

    def revise(self):
        times = {bar.timestamp for bar in self.fed}
        known = [bar for bar in self.other if bar.timestamp in times]
        if known:
            begin = self.chance.randrange(len(known))
            feed(known[begin : begin + self.chance.randint(1, 5)], revising=True)

    def make_overdue(self):
        deriving.run(self.now)

    def make_overdue_slowly(self):
        """The same, with something between the reading and the transaction."""
        real = mailbox_derived.store_overdue

        def slowly(*args, **options):
            self.chance.choice([self.revise, self.run_heads, self.feed_next])()
            return real(*args, **options)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mailbox_derived, "store_overdue", slowly)
            deriving.run(self.now)

    def run_again(self):
        if mailbox_reruns.due(self.now):
            reruns.run(lambda: self.now, clock=self.chance.choice([lambda: 0.0, iter(range(10_000)).__next__]))

    def run_again_slowly(self):
        real = mailbox_derived.remake

        def slowly(*args, **options):
            if self.chance.random() < 0.5:
                self.chance.choice([self.revise, self.run_heads, self.feed_some_later_ones])()
            return real(*args, **options)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mailbox_derived, "remake", slowly)
            self.run_again()

    def skip(self):
        if row_of(self.symbol).head is not None:
            mailbox.skip(self.symbol, by="anna", now=self.now)

    def replay(self):
        if entry := QuarantinedBar.objects.filter(resolution="").first():
            quarantine.replay(entry, by="anna", now=self.now)

    def pass_time(self):
        self.now += timedelta(seconds=self.chance.choice([1, 30, 120]))
        SymbolStatus.objects.update(last_processed_at=self.now - timedelta(hours=1))

    def play(self):
        often = [self.feed_next, self.run_heads, self.run_head_slowly]
        rare = [
            *(self.feed_some_later_ones, self.revise, self.make_overdue, self.make_overdue_slowly),
            *(self.run_again, self.run_again_slowly, self.skip, self.replay, self.pass_time),
        ]
        for _ in range(STEPS):
            self.chance.choice(often * 2 + rare)()

    def end(self):
        """Everything that waits is done, the quarantine too."""
        self.feed_all()
        for _ in range(20):
            settle(self.now + timedelta(minutes=5))
            SymbolStatus.objects.update(last_processed_at=NOW)
            deriving.run(self.now + timedelta(minutes=5))
            while entry := QuarantinedBar.objects.filter(resolution="").first():
                quarantine.replay(entry, by="anna", now=self.now)
            if row_of(self.symbol).head is None:
                return

    def feed_all(self):
        feed(self.left)
        self.fed += self.left
        self.left = []


def stored_base():
    rows = Bar.objects.filter(timeframe="5m").order_by("timestamp").values("timestamp", *VALUES)
    return [new_bar("AAPL", timeframe="5m", **row) for row in rows]


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_the_derived_bars_are_in_the_end_what_their_base_bars_amount_to(seed, calendar, monkeypatch):
    story = Story(seed, calendar)
    monkeypatch.setattr(timezone, "now", lambda: story.now)

    story.play()
    story.end()

    assert not Bar.objects.exclude(status=BarStatus.PROCESSED).exists()
    assert rows_of() == expected(stored_base(), calendar)
    check_log()
