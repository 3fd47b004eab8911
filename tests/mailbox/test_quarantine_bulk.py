"""Acts on many bars in quarantine."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import Bar, QuarantinedBar, Symbol
from scanner_app.reading.quarantine_entries import Filter, matching
from tests.conftest import DAY, T0, accept_days, fail_head, make_symbol, new_bar, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def quarantined(ticker="TSLA", days=1, *, first=0, error=None):
    """Put bars of `days` days of a symbol into quarantine; returns their entries. The symbol then has no head."""
    accept_days(ticker, days, first=first)
    symbol = Symbol.objects.get(ticker=ticker)
    for _ in range(days):
        mailbox.quarantine_head(start_head(symbol), error or ValueError("bad"), now=T0)
        mailbox.reset(symbol, by="olga", now=T0)
    return list(QuarantinedBar.objects.order_by("-id")[:days])[::-1]


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        pytest.param({}, [("AAPL", 0), ("TSLA", 0), ("TSLA", 1)], id="no filter: all that are open"),
        pytest.param({"symbol": "tsla"}, [("TSLA", 0), ("TSLA", 1)], id="a symbol whatever its case"),
        pytest.param({"symbol": "NONE"}, [], id="a symbol that there is not"),
        pytest.param({"symbol": "a,b"}, [], id="a symbol that can not be"),
        pytest.param({"symbol": ""}, [], id="no name is no symbol, and not all of them"),
        pytest.param({"error_type": "KeyError"}, [("TSLA", 1)], id="an error type"),
        pytest.param({"error_type": "Key"}, [], id="half an error type"),
        pytest.param({"start": FIRST_DAY + DAY}, [("TSLA", 1)], id="from is inclusive"),
        pytest.param({"end": FIRST_DAY + DAY}, [("AAPL", 0), ("TSLA", 0)], id="to is exclusive"),
        pytest.param({"symbol": "TSLA", "end": FIRST_DAY + DAY}, [("TSLA", 0)], id="both have to hold"),
    ],
)
def test_a_filter_means_open_entries_of_symbols_that_are_there(wanted, days):
    quarantined("TSLA")
    quarantined("TSLA", first=1, error=KeyError("x"))
    quarantined("AAPL")
    (done_with,) = quarantined("AAPL", first=1, error=KeyError("x"))
    mailbox.discard(done_with, by="olga", now=T0)
    quarantined("GONE", error=KeyError("x"))
    Symbol.objects.filter(ticker="GONE").update(deleted_at=T0)

    found = matching(Filter(**wanted)).select_related("symbol")

    assert sorted((one.symbol.ticker, (one.timestamp - FIRST_DAY).days) for one in found) == days


def test_only_a_filter_without_anything_is_empty():
    assert Filter().empty
    assert not Filter(symbol="").empty
    assert not Filter(end=T0).empty


def test_replays_are_accepted_in_order_of_timestamp_then_the_shorter_timeframe_each_at_its_own_time():
    make_symbol("TSLA")
    symbol = Symbol.objects.get()
    quarantined("TSLA", first=2)
    mailbox.accept([new_bar(day=1, timeframe="1w")], now=T0)
    mailbox.quarantine_head(start_head(symbol), ValueError("bad"), now=T0)
    mailbox.reset(symbol, by="olga", now=T0)
    mailbox.accept([new_bar(day=1, timeframe="4h")], now=T0)
    mailbox.quarantine_head(start_head(symbol), ValueError("bad"), now=T0)
    mailbox.reset(symbol, by="olga", now=T0)
    quarantined("TSLA", first=0)
    times = (T0 + timedelta(seconds=number) for number in range(1, 9))

    count = quarantine_bulk.replay_all(matching(Filter()), by="olga", clock=lambda: next(times), reason="mended")

    assert count == 4
    bars = Bar.objects.order_by("sequence")
    assert [((bar.timestamp - FIRST_DAY).days, bar.timeframe) for bar in bars] == [
        (0, "1d"),
        (1, "4h"),
        (1, "1w"),
        (2, "1d"),
    ]
    assert [bar.sequence for bar in bars] == [5, 6, 7, 8]
    assert [(bar.accepted_at - T0).seconds for bar in bars] == [1, 2, 3, 4]
    events = symbol.events.filter(kind="replayed")
    assert {(event.actor, event.reason) for event in events} == {("olga", "mended")}


def test_discarding_gives_up_what_the_filter_means_and_nothing_else():
    quarantined("TSLA", 2)
    (other,) = quarantined("AAPL")
    before = snapshot(other.symbol)

    count = quarantine_bulk.discard_all(matching(Filter(symbol="TSLA")), by="olga", clock=lambda: T0)

    assert count == 2
    assert set(Bar.objects.filter(symbol__ticker="TSLA").values_list("status", flat=True)) == {"discarded"}
    assert snapshot(other.symbol) == before


@pytest.mark.parametrize("act", [quarantine_bulk.replay_all, quarantine_bulk.discard_all])
def test_an_entry_that_is_dealt_with_meanwhile_is_skipped_and_not_counted(act, monkeypatch):
    first, second = quarantined("TSLA", 2)

    def somebody_is_quicker():
        if QuarantinedBar.objects.filter(pk=second.pk, resolution="").exists():
            mailbox.discard(second, by="somebody", now=T0)
        return T0

    count = act(matching(Filter()), by="olga", clock=somebody_is_quicker)

    assert count == 1
    assert not QuarantinedBar.objects.filter(pk=first.pk, resolution="").exists()
    assert list(second.symbol.events.filter(bar_id=second.bar_id, actor="somebody").values_list("kind", flat=True)) == [
        "discarded"
    ]
    assert not second.symbol.events.filter(bar_id=second.bar_id, actor="olga", kind__in=["replayed", "discarded"])


@pytest.mark.parametrize("name", ["replay", "discard"])
def test_each_entry_is_a_transaction_of_its_own_so_one_that_breaks_undoes_no_other(name, monkeypatch):
    _, second = quarantined("TSLA", 2)
    act = getattr(mailbox, name)

    def break_on_the_second(entry, **more):
        if entry.pk == second.pk:
            raise OperationalError("the database is away")
        act(entry, **more)

    monkeypatch.setattr(mailbox, name, break_on_the_second)
    with pytest.raises(OperationalError):
        getattr(quarantine_bulk, f"{name}_all")(matching(Filter()), by="olga", clock=lambda: T0)

    assert list(QuarantinedBar.objects.filter(resolution="")) == [second]


def test_the_entries_are_read_in_one_query_without_their_tracebacks():
    quarantined("TSLA", 3)

    with CaptureQueriesContext(connection) as queries:
        entries = quarantine_bulk._in_order(matching(Filter(symbol="TSLA")))

    assert len(entries) == 3
    assert len(queries) == 1
    assert "traceback" not in queries[0]["sql"]


def test_a_replay_that_runs_meanwhile_and_fails_again_is_not_taken_twice():
    (entry,) = quarantined("TSLA")

    def runs_between():
        if row_of(entry.symbol).head is not None:
            fail_head(entry.symbol)
        return T0

    quarantined("TSLA", first=1)

    assert quarantine_bulk.replay_all(matching(Filter()), by="olga", clock=runs_between) == 2
    assert QuarantinedBar.objects.filter(resolution="").count() == 1, "back in quarantine, by an entry of its own"
