"""`manage.py verify`, on real rows: a proof, and each kind of damage found."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from scanner_app import mailbox
from scanner_app.detectors import Direction, Finding
from scanner_app.models import (
    Bar,
    CircuitBreaker,
    Hit,
    QuarantinedBar,
    Signal,
    Symbol,
    SymbolEvent,
    SymbolStatus,
)
from tests.conftest import DAY, T0, accept_days, start_head

pytestmark = pytest.mark.django_db(transaction=True)


def finish(symbol, number: int) -> None:
    for _ in range(number):
        now = T0 + timedelta(seconds=Bar.objects.filter(symbol=symbol, status="processed").count())
        findings = [Finding(detector="d", pattern="p", direction=Direction.BULLISH, strength=1.0, version="1")]
        mailbox.complete(start_head(symbol, now=now), findings, now=now)


@pytest.fixture
def tsla(db) -> Symbol:
    """Three processed bars, one in quarantine that was replayed, one in quarantine, two that wait."""
    accept_days("TSLA", 7)
    symbol = Symbol.objects.get(ticker="TSLA")
    finish(symbol, 2)
    mailbox.skip(symbol, by="olga", now=T0 + timedelta(seconds=2))
    finish(symbol, 1)
    mailbox.replay(QuarantinedBar.objects.get(), by="olga", now=T0 + timedelta(seconds=4))
    mailbox.skip(symbol, by="olga", now=T0 + timedelta(seconds=5))
    return symbol


def run(capsys, *symbols: str) -> tuple[int, dict[str, Any]]:
    status = 0
    try:
        call_command("verify", *symbols, "--json")
    except SystemExit as end:
        status = end.code  # type: ignore[assignment] # a number of ours
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_log_with_all_that_can_happen_is_proved(tsla, capsys):
    status, answer = run(capsys)

    assert (status, answer["faults"]) == (0, {})
    counts = {"processed": 3, "quarantined": 1, "discarded": 0, "waiting": 3}
    assert answer == {"ok": True, "symbols": 1, "bars": 7, **counts, "faults": {}}


def bar(status: str) -> Bar:
    found = Bar.objects.filter(status=status, symbol__ticker="TSLA").order_by("sequence").first()
    assert found is not None
    return found


def change(number: int, **values: Any) -> None:
    assert Bar.objects.filter(sequence=number, symbol__ticker="TSLA").update(**values) == 1


def row(**values: Any) -> None:
    SymbolStatus.objects.filter(symbol__ticker="TSLA").update(**values)


def swap(one: int, other: int) -> None:
    """Two bars have each other's numbers."""
    for number, new in ((one, -1), (other, one), (-1, other)):
        change(number, sequence=new)


def double_a_signal() -> None:
    with connection.schema_editor() as editor:
        editor.remove_constraint(Signal, VALID_ONCE)
    signal = Signal.objects.filter(symbol__ticker="TSLA")[0]
    signal.pk = None
    signal.save(force_insert=True)


def stray_signal(**values: Any) -> None:
    signal = Signal.objects.filter(bar=bar("processed")).first()
    Signal.objects.filter(pk=signal.pk).update(**values)  # type: ignore[union-attr]


def stray_hit() -> None:
    own = bar("processed")
    fields = {"timeframe": own.timeframe, "timestamp": own.timestamp + DAY, "values": {}, "created_at": T0}
    Hit.objects.create(rule_id=1, symbol=own.symbol, bar=own, **fields)


def other_entry() -> None:
    """The open entry is of another bar than the one in quarantine."""
    QuarantinedBar.objects.filter(resolution="").update(bar=bar("processed"))


VALID_ONCE = next(one for one in Signal._meta.constraints if one.name == "signal_valid_once")


@pytest.fixture
def constraint_again(transactional_db) -> Iterator[None]:
    """The constraint that one of the kinds takes away is there for the next test."""
    yield
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, Signal._meta.db_table)
    if VALID_ONCE.name not in there:
        Signal.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Signal, VALID_ONCE)


DAMAGE = {
    "a processed bar is gone": (lambda: bar("processed").delete(), "missing"),
    "a waiting bar is gone": (lambda: bar("waiting").delete(), "wait with numbers"),
    "a bar has a status that is none": (lambda: change(1, status="done"), "missing"),
    "the cursor went back": (lambda: row(cursor=F("cursor") - 1), "the head is"),
    "the cursor went on": (lambda: row(cursor=F("cursor") + 1), "the head is"),
    "cursor and head went on over a bar that waits": (lambda: row(cursor=F("cursor") + 1, head=F("head") + 1), "wait"),
    "the head is another bar": (lambda: row(head=F("head") + 1), "the head is"),
    "no head though bars wait": (lambda: row(head=None), "the head is None"),
    "numbers were given out that no bar has": (lambda: row(last_sequence=F("last_sequence") + 2), "missing"),
    "the last number went back": (lambda: row(last_sequence=F("last_sequence") - 1), "wait with numbers"),
    "a bar has a number below the first": (lambda: change(1, sequence=0), "number 0"),
    "a finished bar has a number of one that waits": (lambda: swap(1, bar("waiting").sequence), "is finished, but"),
    "two finished bars have each other's numbers": (lambda: swap(1, 2), "lower number"),
    "a bar finished later than the one after it": (lambda: change(1, finished_at=T0 + DAY), "lower number"),
    "a processed bar has no end": (lambda: change(1, finished_at=None), "time of the end"),
    "a bar that waits has an end": (lambda: change(bar("waiting").sequence, finished_at=T0), "time of the end"),
    "a processed bar waits again": (lambda: change(1, status="waiting"), "wait"),
    "a bar that waits is said to be processed": (
        lambda: change(bar("waiting").sequence, status="processed", finished_at=T0 + DAY), "is finished, but",
    ),
    "a bar was processed without a run": (lambda: change(1, attempts=0), "without an attempt"),
    "a bar in quarantine is said to be processed": (
        lambda: change(bar("quarantined").sequence, status="processed", attempts=1, latency_ms=1), "open entries",
    ),
    "the entry of a bar in quarantine is gone": (
        lambda: QuarantinedBar.objects.filter(resolution="").delete(), "open entries",
    ),
    "an entry is resolved and its bar is not": (
        lambda: QuarantinedBar.objects.filter(resolution="").update(resolution="discarded"), "open entries",
    ),
    "the open entry is of another bar": (other_entry, "not in it"),
    "a signal is there twice": (double_a_signal, "more than once"),
    "a signal is on a bar that waits": (lambda: stray_signal(bar=bar("waiting")), "not processed"),
    "a signal is of another symbol than its bar": (
        lambda: stray_signal(symbol=Symbol.objects.get(ticker="IBM")), "not theirs",
    ),
    "a signal has another time than its bar": (lambda: stray_signal(timestamp=T0 + DAY), "not theirs"),
    "a hit has another time than its bar": (stray_hit, "hits of rules"),
    "the row counts fewer bars": (lambda: row(bars_processed=F("bars_processed") - 1), "the row counts"),
    "the row counts more bars": (lambda: row(bars_processed=F("bars_processed") + 1), "the row counts"),
    "the symbol's breaker is gone": (
        lambda: CircuitBreaker.objects.filter(symbol__ticker="TSLA").delete(), "breaker is gone",
    ),
    "the symbol's row is gone": (lambda: SymbolStatus.objects.filter(symbol__ticker="TSLA").delete(), "row of its"),
    "the record of a renumbering is gone": (lambda: SymbolEvent.objects.filter(kind="replayed").delete(), "missing"),
}  # fmt: skip
"""Kinds of damage, what does it, and a part of what is said."""


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named_with_its_symbol(tsla, constraint_again, capsys, kind):
    accept_days("IBM", 1)
    damage, said = DAMAGE[kind]
    damage()

    status, answer = run(capsys)

    assert status == 1
    (ticker,) = answer["faults"]
    assert ticker == ("IBM" if "another symbol" in kind else "TSLA")
    assert any(said in fault for fault in answer["faults"][ticker])


def test_a_hit_of_a_bar_that_went_to_quarantine_later_is_no_damage(tsla, capsys):
    """A revision may make a bar unusable after it was told."""
    away = bar("quarantined")
    fields = {"timeframe": away.timeframe, "timestamp": away.timestamp, "values": {}, "created_at": T0}
    Hit.objects.create(rule_id=1, symbol=tsla, bar=away, **fields)

    assert run(capsys)[0] == 0


def test_only_the_symbols_named_are_proved_and_an_unknown_one_is_refused(tsla, capsys):
    accept_days("IBM", 1)

    assert run(capsys, "IBM")[1]["symbols"] == 1
    with pytest.raises(CommandError, match="NOPE not found"):
        call_command("verify", "NOPE")


def test_a_proof_holds_no_writer(tsla, capsys):
    """On SQLite Django's own transactions would."""
    from scanner_app.reading import log_proof

    with log_proof._snapshot():
        list(Bar.objects.values_list("pk"))

    finish(tsla, 1)
    assert run(capsys)[0] == 0
