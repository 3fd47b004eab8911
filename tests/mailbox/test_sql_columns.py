"""Every column of a table written by hand is known to its statements, or left alone for a reason given here."""

import re

import pytest

from scanner_app.mailbox import at_once, sql, sql_accept, sql_derived
from scanner_app.models import Bar, DerivedSeries, Signal, SymbolStatus

BAR_RESULT_LEAVES = {
    *("id", "symbol_id", "timeframe", "timestamp", "sequence"),  # which bar it is
    *("open", "high", "low", "close", "volume"),  # what the feed sent
    *("revised", "assumed", "derived"),  # written by revisions; the others fixed when the bar was accepted
    *("late", "replayed", "accepted_at", "request_id"),  # fixed when the bar was accepted
}

FINISH_LEAVES = {
    *("symbol_id", "lane", "epoch"),  # the row's key; the lane moves separately; only operators raise the epoch
    *("last_sequence", "revision", "newest", "watched"),  # change only when bars are accepted or revised
    *("gaps", "gaps_sequence"),  # written by the count of gaps
    "quick_bars",  # written with the lane, after the run's length is known
    "last_error",  # keeps the text of the last failure
}

FIGURES = {
    *("bars_processed", "last_bar_time", "last_processed_at"),
    *("latencies", "avg_latency_ms", "p95_latency_ms", "longest_latency_ms"),
}
"""Written only when the head was processed, not when it went to quarantine."""

NUMBERS_LEAVES = {
    *("symbol_id", "lane", "quick_bars", "epoch"),  # the row's key, lane and epoch: accepting a bar changes none
    *("cursor", "attempts", "stage", "deferrals", "losses", "last_error"),  # belong to the head's runs
    *("gaps", "gaps_sequence"),  # written by the count of gaps
    *FIGURES,  # belong to processed bars
}


def columns(model):
    return {field.column for field in model._meta.concrete_fields}


def inserted(statement):
    (names,) = re.findall(r"INSERT INTO \w+\s+\((.*?)\)\s+VALUES", statement, re.DOTALL)
    return names.replace("\n", " ").split(",")


def updated(statement):
    (assignments,) = re.findall(r"\bSET\b(.*?)\bWHERE\b", statement, re.DOTALL)
    return set(re.findall(r"(?:^|,)\s*(\w+) =", assignments))


@pytest.mark.parametrize(("statement", "model"), [(sql_accept._INSERT_BAR, Bar), (sql._INSERT_SIGNAL, Signal)])
def test_an_insert_names_every_column_but_the_id(statement, model):
    names = [name.strip() for name in inserted(statement)]

    assert len(names) == len(set(names)) == statement.count("%s")
    assert set(names) == columns(model) - {"id"}


def test_a_new_derived_series_gets_every_column_but_its_end():
    names = [name.strip() for name in inserted(sql_derived._SAVE_PROGRESS)]

    assert len(names) == len(set(names)) == sql_derived._SAVE_PROGRESS.count("%s")
    assert set(names) == columns(DerivedSeries) - {"id", "ended_at"}


def test_the_one_statement_of_a_completion_names_every_column_of_a_signal_too():
    (names,) = re.findall(r"INSERT INTO scanner_app_signal\s+\((.*?)\)\s+SELECT", at_once._COMPLETE, re.DOTALL)

    assert {name.strip() for name in names.split(",")} == columns(Signal) - {"id"}


@pytest.mark.parametrize(
    ("statement", "leaves", "model"),
    [
        pytest.param(sql.FINISH_BAR, BAR_RESULT_LEAVES, Bar, id="finish_bar"),
        pytest.param(
            sql.FINISH_HEAD.format(run="run", also="", guard=""),
            FINISH_LEAVES | FIGURES,
            SymbolStatus,
            id="finish_head",
        ),
        pytest.param(
            sql.FINISH_HEAD.format(run="run", also=sql.FIGURES, guard=""),
            FINISH_LEAVES,
            SymbolStatus,
            id="complete_head",
        ),
        pytest.param(sql_accept._STORE_NUMBERS, NUMBERS_LEAVES, SymbolStatus, id="store_numbers"),
    ],
)
def test_an_update_sets_every_column_that_it_does_not_leave_alone(statement, leaves, model):
    assert not updated(statement) & leaves
    assert updated(statement) | leaves == columns(model)
