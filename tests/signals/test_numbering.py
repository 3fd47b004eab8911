"""The numbers of the stream: each row one, without holes, whatever the order of commits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from scanner_app import tasks
from scanner_app.models import Hit, Signal, StreamEntry, StreamState, Symbol
from scanner_app.signals import numbering
from tests.conftest import accept_days, make_symbol
from tests.signals.conftest import make_hit, make_rule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_transactions")]


@pytest.fixture(autouse=True)
def the_row(db: None) -> None:
    """The row that the migration made, which other tests' cleaning has removed."""
    StreamState.objects.get_or_create(pk=StreamState.THE_ROW)
    numbering.number_new(timezone.now())


def add_signal(symbol: Symbol, pattern: str) -> Signal:
    """A signal as a completing transaction stores it: the symbol's row is changed first."""
    with transaction.atomic():
        symbol.status.save(update_fields=["cursor"])
        return draw_signal(symbol, pattern)


def draw_signal(symbol: Symbol, pattern: str) -> Signal:
    bar = symbol.bars.order_by("pk")[0]
    return Signal.objects.create(
        symbol=symbol,
        bar=bar,
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        detector="test",
        pattern=pattern,
        direction="bullish",
        strength=1.0,
        created_at=timezone.now(),
    )


def symbol_with_a_bar(ticker: str = "TSLA") -> Symbol:
    made = make_symbol(ticker)
    accept_days(ticker, 1)
    return Symbol.objects.select_related("status").get(pk=made.pk)


def patterns() -> list[str]:
    """The patterns of all signals in the stream, in its order."""
    ids = StreamEntry.objects.filter(kind="signal").order_by("number").values_list("row_id", flat=True)
    by_id = dict(Signal.objects.values_list("pk", "pattern"))
    return [by_id[one] for one in ids]


def number(now: datetime | None = None) -> numbering.Progress:
    """Give numbers to what is new while no other process does."""
    progress = numbering.number_new(now or timezone.now())
    assert progress is not None
    return progress


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_signals_get_numbers_in_the_order_of_processing_and_once():
    symbol = symbol_with_a_bar()
    began = number()
    for pattern in ("A", "B", "C"):
        add_signal(symbol, pattern)

    first = number()
    again = number()

    assert patterns() == ["A", "B", "C"]
    assert first.last == again.last == began.last + 3
    numbers = list(StreamEntry.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(first.last - 2, first.last + 1))


def test_a_hit_comes_after_the_signals_of_its_bar():
    symbol = symbol_with_a_bar()
    hit = make_hit(make_rule(), timezone.now())
    add_signal(symbol, "A")

    number()

    assert list(StreamEntry.objects.order_by("number").values_list("kind", "row_id")) == [
        ("signal", Signal.objects.get().pk),
        ("hit", hit.pk),
    ]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("commits", [True, False])
def test_a_row_that_is_committed_late_is_numbered_and_one_that_is_rolled_back_stalls_nothing(commits):
    slow, quick = symbol_with_a_bar("SLOW"), symbol_with_a_bar("QUICK")
    drawn, go_on = threading.Event(), threading.Event()

    def slow_one() -> None:
        with transaction.atomic():
            add_signal(slow, "slow")
            drawn.set()
            go_on.wait(20)
            transaction.set_rollback(not commits)

    thread = in_thread(slow_one)
    assert drawn.wait(20)
    add_signal(quick, "quick")
    for _ in range(3):
        number()
    assert patterns() == ["quick"]
    add_signal(quick, "more")
    number()
    go_on.set()
    thread.join()
    for _ in range(3):
        number()

    assert patterns() == (["quick", "more", "slow"] if commits else ["quick", "more"])
    state = StreamState.objects.get()
    assert state.signals_done == max(Signal.objects.values_list("pk", flat=True)), "nothing is looked through again"


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
def test_a_smaller_id_of_the_transaction_that_began_last_is_not_missed():
    early, late = symbol_with_a_bar("EARLY"), symbol_with_a_bar("LATE")
    early_began, late_drew, early_is_over, late_goes_on = (threading.Event() for _ in range(4))

    def draw_second() -> None:
        with transaction.atomic():
            early.status.save(update_fields=["cursor"])
            early_began.set()
            assert late_drew.wait(20)
            draw_signal(early, "greater id")
        early_is_over.set()

    def draw_first() -> None:
        assert early_began.wait(20)
        with transaction.atomic():
            late.status.save(update_fields=["cursor"])
            draw_signal(late, "smaller id")
            late_drew.set()
            late_goes_on.wait(20)

    threads = [in_thread(draw_second), in_thread(draw_first)]
    assert early_is_over.wait(20)
    for _ in range(3):
        number()
    assert patterns() == ["greater id"]
    late_goes_on.set()
    for thread in threads:
        thread.join()
    number()

    assert patterns() == ["greater id", "smaller id"]


def test_many_writers_and_two_who_number_give_each_row_one_number():
    symbols = [symbol_with_a_bar(f"S{one}") for one in range(8)]
    began = number()
    over = threading.Event()

    def write(symbol: Symbol) -> None:
        for one in range(40):
            with transaction.atomic():
                add_signal(symbol, f"{symbol.ticker} {one:03}")
                transaction.set_rollback(one % 7 == 3)

    def keep_numbering() -> None:
        while not over.is_set():
            numbering.number_new(timezone.now())

    numberers = [in_thread(keep_numbering) for _ in range(2)]
    writers = [in_thread(partial(write, symbol)) for symbol in symbols]
    for thread in writers:
        thread.join()
    over.set()
    for thread in numberers:
        thread.join()
    number()

    numbers = list(StreamEntry.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(began.last + 1, began.last + 1 + Signal.objects.count()))
    for symbol in symbols:
        mine = [pattern for pattern in patterns() if pattern.startswith(f"{symbol.ticker} ")]
        assert mine == sorted(mine)
    assert len(set(patterns())) == Signal.objects.count() == 8 * 34


def test_what_came_while_nobody_looked_for_a_day_is_a_gap():
    symbol = symbol_with_a_bar()
    add_signal(symbol, "old")
    before = number()
    Signal.objects.update(id=50_000)
    add_signal(symbol, "new")

    later = number(timezone.now() + numbering.KEPT + timedelta(seconds=1))

    assert later.begins_after > before.last
    assert not StreamEntry.objects.filter(number__lte=before.last).exists()


def test_old_numbers_are_forgotten_and_that_is_known():
    symbol = symbol_with_a_bar()
    add_signal(symbol, "old")
    now = timezone.now()
    last = number(now).last
    number(now + numbering.KEPT)
    add_signal(symbol, "new")

    later = number(now + numbering.KEPT + timedelta(seconds=1))

    assert later.begins_after == last
    assert StreamEntry.objects.count() == 1


def test_old_numbers_are_forgotten_when_nobody_reads_any_more():
    symbol = symbol_with_a_bar()
    add_signal(symbol, "old")
    now = timezone.now()
    before = number(now)
    for _ in range(2):  # PostgreSQL: then it is sure that nothing earlier is still to come
        number(now)
    tasks.prune()
    assert StreamEntry.objects.count() == 1

    assert numbering.forget_old(now + numbering.KEPT + timedelta(seconds=1)) == 1

    assert not StreamEntry.objects.exists()
    assert numbering.progress().begins_after == before.last
    assert numbering.forget_old(now + numbering.KEPT + timedelta(seconds=1)) == 0


def test_a_batch_that_is_full_leaves_the_rest_for_the_next(monkeypatch):
    monkeypatch.setattr(numbering, "BATCH", 2)
    symbol = symbol_with_a_bar()
    make_hit(make_rule(), timezone.now())
    for pattern in ("A", "B", "C"):
        add_signal(symbol, pattern)

    more = []
    while (progress := number()).more:
        more.append(progress)

    assert len(more) == 1
    assert patterns() == ["A", "B", "C"]
    assert list(StreamEntry.objects.order_by("number").values_list("kind", flat=True))[-1] == "hit"
    assert Hit.objects.count() == 1


def test_what_has_a_number_is_not_looked_through_again_while_more_waits(monkeypatch):
    monkeypatch.setattr(numbering, "BATCH", 2)
    symbol = symbol_with_a_bar()
    ids = [add_signal(symbol, f"{one:02}").pk for one in range(12)]

    number()
    for turn in range(1, 5):
        assert number().more
        # PostgreSQL marks with the next look what has a number, and is sure of it with the one after.
        sure_of = turn - 1 if connection.vendor == "postgresql" else turn + 1
        assert StreamState.objects.get().signals_done == ([0, *ids])[2 * sure_of]

    while number().more:
        pass
    assert patterns() == [f"{one:02}" for one in range(12)]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
def test_a_row_that_is_committed_late_is_numbered_also_if_more_waits_then(monkeypatch):
    monkeypatch.setattr(numbering, "BATCH", 2)
    slow, quick = symbol_with_a_bar("SLOW"), symbol_with_a_bar("QUICK")
    drawn, go_on = threading.Event(), threading.Event()

    def slow_one() -> None:
        with transaction.atomic():
            for one in range(5):
                add_signal(slow, f"slow {one}")
            drawn.set()
            go_on.wait(20)

    thread = in_thread(slow_one)
    assert drawn.wait(20)
    for one in range(7):
        add_signal(quick, f"quick {one}")
    number()
    number()
    go_on.set()
    thread.join()
    for _ in range(20):
        number()

    found = patterns()
    assert sorted(found) == [*(f"quick {one}" for one in range(7)), *(f"slow {one}" for one in range(5))]
    assert [one for one in found if one.startswith("slow")] == [f"slow {one}" for one in range(5)]
    assert StreamState.objects.get().signals_done == max(Signal.objects.values_list("pk", flat=True))


def test_who_begins_to_read_begins_after_all_that_is_there_also_if_it_is_more_than_one_batch(monkeypatch):
    monkeypatch.setattr(numbering, "BATCH", 2)
    symbol = symbol_with_a_bar()
    for pattern in ("A", "B", "C", "D", "E"):
        add_signal(symbol, pattern)

    begins = numbering.number_all(timezone.now())

    assert patterns() == ["A", "B", "C", "D", "E"]
    assert begins.last == StreamEntry.objects.latest("number").number
    assert not begins.more


def test_who_begins_to_read_does_not_number_for_longer_than_he_may(monkeypatch):
    monkeypatch.setattr(numbering, "BATCH", 2)
    symbol = symbol_with_a_bar()
    for pattern in ("A", "B", "C", "D", "E"):
        add_signal(symbol, pattern)
    times = iter((0.0, numbering.LONGEST_S - 0.1, numbering.LONGEST_S))

    assert numbering.number_all(timezone.now(), timer=lambda: next(times)).more

    assert patterns() == ["A", "B", "C", "D"]


@contextmanager
def another_gives_numbers() -> Iterator[threading.Event]:
    """Another process has given numbers and not committed them; it does when the event is set."""
    numbered, go_on = threading.Event(), threading.Event()

    def another() -> None:
        with transaction.atomic():
            number()
            numbered.set()
            go_on.wait(20)

    thread = in_thread(another)
    assert numbered.wait(20)
    yield go_on
    go_on.set()
    thread.join()


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
def test_who_begins_to_read_waits_for_another_who_gives_numbers(monkeypatch):
    add_signal(symbol_with_a_bar(), "A")

    with another_gives_numbers() as go_on:
        monkeypatch.setattr(numbering, "LOOK_AGAIN_S", 0)
        looked = numbering.number_new

        def look_and_let_go_on(now: datetime) -> numbering.Progress | None:
            found = looked(now)
            go_on.set()
            return found

        monkeypatch.setattr(numbering, "number_new", look_and_let_go_on)
        found = numbering.number_all(timezone.now(), timer=lambda: 0.0)

    assert found.last == StreamEntry.objects.get().number


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
def test_who_begins_to_read_does_not_wait_for_one_who_is_frozen():
    add_signal(symbol_with_a_bar(), "A")
    last = numbering.progress().last
    times = iter((0.0, numbering.LONGEST_S - 0.1, numbering.LONGEST_S))

    with another_gives_numbers():
        begins = numbering.number_all(timezone.now(), timer=lambda: next(times))

    assert begins.last == last
