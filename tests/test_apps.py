"""What each database connection is set up with."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from scanner_app import apps, mailbox
from scanner_app.mailbox.rows import lock
from scanner_app.models import Symbol
from scanner_app.workers.outages import OUTAGES
from tests.conftest import T0, make_symbol, new_bar, row_of


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_frozen_in_a_transaction_does_not_keep_its_symbols_lock(monkeypatch):
    """As a worker's child on a stopped machine, whose kernel still answers the server."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could end a transaction")
    monkeypatch.setattr(apps, "FROZEN_S", 1)
    symbol = make_symbol("TSLA")
    locked, go_on = threading.Event(), threading.Event()

    def freeze() -> None:
        try:
            with transaction.atomic():
                lock(symbol.pk)
                locked.set()
                go_on.wait(60)
                row_of(symbol)
        finally:
            connection.close()

    def accept() -> list[mailbox.Verdict]:
        try:
            return mailbox.accept([new_bar("TSLA"), new_bar("OTHER")], now=T0)
        finally:
            connection.close()

    make_symbol("OTHER")
    with ThreadPoolExecutor(2) as pool:
        frozen = pool.submit(freeze)
        assert locked.wait(30)
        accepted = pool.submit(accept)
        try:
            verdicts = accepted.result(30)
        finally:
            go_on.set()
        with pytest.raises(OUTAGES):  # so the bar of the one who goes on runs again, and nothing is counted
            frozen.result(30)

    assert verdicts == [mailbox.Verdict.ACCEPTED] * 2
    assert list(Symbol.objects.order_by("ticker").values_list("status__head", flat=True)) == [1, 1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "time",
    [
        pytest.param(T0, id="whole seconds"),
        pytest.param(T0.replace(microsecond=1), id="a microsecond"),
        pytest.param(T0.replace(microsecond=120_000), id="a fraction that PostgreSQL writes in two digits"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), id="the first year"),
        pytest.param(datetime.max.replace(tzinfo=UTC), id="the last moment"),
    ],
)
def test_a_time_comes_back_from_the_database_as_it_was_aware_and_in_utc(time):
    symbol = make_symbol("TSLA")
    Symbol.objects.filter(pk=symbol.pk).update(disabled_until=time)

    found = Symbol.objects.values_list("disabled_until", flat=True).get(pk=symbol.pk)

    assert found == time
    assert found.utcoffset() == timedelta(0)


@pytest.mark.django_db
def test_a_session_of_another_zone_does_not_change_a_time():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no sessions with zones")
    symbol = make_symbol("TSLA")
    Symbol.objects.filter(pk=symbol.pk).update(disabled_until=T0)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kolkata'")
        found = Symbol.objects.values_list("disabled_until", flat=True).get(pk=symbol.pk)

    assert found == T0
