"""`manage.py history`: files or stored bars in, a report out, nothing stored."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from scanner_app import mailbox
from scanner_app.models import Rule
from tests.conftest import T0, accept_days, make_symbol, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A file of 300 daily bars, out of order, with one bar twice and one that no market can have."""
    rng = np.random.default_rng(3)
    closes = 100 + np.cumsum(rng.normal(0, 1, 300))
    opens = closes + rng.normal(0, 1, 300)
    rows = [
        f"{date(2022, 1, 1) + timedelta(days=place)},{first:.2f},{max(first, last) + 1:.2f},"
        f"{min(first, last) - 1:.2f},{last:.2f},1000"
        for place, (first, last) in enumerate(zip(opens, closes, strict=True))
    ]
    rows[100], rows[200] = rows[200], rows[100]
    path = tmp_path / "ACME.csv"
    wrong = f"{date(2023, 6, 1)},10,9,8,9,1"
    path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows, rows[0], wrong]) + "\n")
    return path


def all_rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("scanner_app").get_models()}


def run(capsys: Any, *arguments: object, **options: Any) -> dict[str, Any]:
    call_command("history", *map(str, arguments), json=True, **options)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_file_is_looked_at_and_nothing_is_stored(walk: Path, capsys: Any) -> None:
    before = all_rows()

    answer = run(capsys, walk)

    (one,) = answer["series"]
    assert (one["symbol"], one["timeframe"], one["bars"], one["first"]) == (
        "ACME", "1d", 300, "2022-01-01T00:00:00+00:00",
    )  # fmt: skip
    assert one["signals"] > 100
    assert (answer["duplicates"], answer["refused"]) == (1, {"invalid": 1})
    horizons = {row["horizon"] for row in answer["results"]}
    assert horizons == {1, 5, 10, 20}
    assert sum(row["count"] for row in answer["results"] if row["horizon"] == 1) >= one["signals"] - 61
    assert all_rows() == before


def test_as_text_each_series_what_was_left_out_and_each_kind(walk: Path, capsys: Any) -> None:
    call_command("history", str(walk))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ACME 1d: 300 bars, 2022-01-01 to 2022-10-27, ")
    assert "1 bar left out: there was one of the same time before." in lines
    assert f"{walk}:303: high" in next(line for line in lines if line.startswith(str(walk)))
    assert any(line.startswith("CDLDOJI (candlesticks, bullish, 1d): ") and "after 5 bars" in line for line in lines)
    assert lines[-1].endswith("Nothing was stored.")


def test_a_condition_is_asked_about_every_bar_and_named_by_itself(walk: Path, capsys: Any) -> None:
    answer = run(capsys, walk, rule=["close > sma('close', 5)", "close < sma('close', 5)"])

    rows = [row for row in answer["results"] if row["rule"] is not None and row["horizon"] == 5]
    assert {row["rule"] for row in rows} == {"close > sma('close', 5)", "close < sma('close', 5)"}
    assert answer["series"][0]["hits"] > 20


def add_rule(name: str, owner: str, **values: Any) -> Rule:
    user, _ = User.objects.get_or_create(username=owner)
    fields = {"timeframes": ["1h"], "created_at": T0, "changed_at": T0, "expression": "close > open", **values}
    return Rule.objects.create(owner=user, name=name, **fields)


def test_a_rule_by_its_name_is_asked_whatever_its_timeframes_and_though_it_is_off(walk: Path, capsys: Any) -> None:
    add_rule("Up", "tom", enabled=False)

    answer = run(capsys, walk, rule=["Up"])

    assert {row["rule"] for row in answer["results"]} - {None} == {"Up"}


def test_without_the_option_the_enabled_rules_are_asked_about_the_series_that_they_look_at(
    walk: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scanner_app.engine import rule_book

    monkeypatch.setattr(rule_book, "REFRESH_S", -1.0)
    add_rule("Daily", "tom", timeframes=["1d"])
    add_rule("Hourly", "tom")

    answer = run(capsys, walk)
    rule_book.forget()

    assert {row["rule"] for row in answer["results"]} - {None} == {"Daily"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("close >", "is no rule, nor a condition"),
        ("Twice", "ann, tom each have a rule 'Twice'"),
        ("Old", "condition of the rule 'Old' can't be asked"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused_before_anything_is_read(walk: Path, rule: str, said: str) -> None:
    add_rule("Twice", "tom")
    add_rule("Twice", "ann")
    add_rule("Old", "tom", expression="no_such_word > 1")

    with pytest.raises(CommandError, match=said):
        call_command("history", str(walk), rule=[rule])


@pytest.fixture
def stored() -> None:
    accept_days("TSLA", 30)
    symbol = make_symbol("TSLA")
    for _ in range(25):
        mailbox.complete(start_head(symbol), [], now=T0)


def test_without_files_the_processed_bars_of_the_symbol_are_looked_at(stored: None, capsys: Any) -> None:
    before = all_rows()

    (one,) = run(capsys, symbol="tsla")["series"]

    assert (one["symbol"], one["bars"]) == ("TSLA", 25)
    assert all_rows() == before
    assert run(capsys, symbol="TSLA", timeframe="1h")["series"] == []


def test_without_files_and_symbol_or_with_an_unknown_one_it_says_what_is_missing() -> None:
    with pytest.raises(CommandError, match="with --symbol a symbol"):
        call_command("history")
    with pytest.raises(CommandError, match="NOPE"):
        call_command("history", symbol="nope")


def test_a_page_with_plots_needs_nothing_else(walk: Path, capsys: Any, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    run(capsys, walk, html=page, rule=["close > open"])

    text = page.read_text()
    assert "<polyline" in text
    assert 'class="interval"' in text
    assert "close &gt; open" in text
    assert "src=" not in text
    assert "href=" not in text
