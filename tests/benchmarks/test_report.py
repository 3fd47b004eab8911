"""Stored results in README.md: what changes, what stays, and what the report can do without."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from benchmarks import load, report, tables
from benchmarks.report import Stored, filled, marked

TEXT = """before
<!-- table:peers -->
| old |
<!-- /table -->
between
<!-- plot:peers -->
<!-- /plot -->
after
"""

WATCHED = {"way": "watched", "rate": 300.8, "rate_rounds": [300.8], "p50_ms": 22.0, "p95_ms": 34.0, "p99_ms": 50.0}
WATCHING = [{**WATCHED, "p95_rounds_ms": [34.0]}]


def test_only_what_stands_between_the_markers_changes():
    new = filled(TEXT, {"table:peers": "| new |", "plot:peers": "![p](plots/peers.svg)"})

    assert new == (
        "before\n<!-- table:peers -->\n\n| new |\n\n<!-- /table -->\nbetween\n"
        "<!-- plot:peers -->\n\n![p](plots/peers.svg)\n\n<!-- /plot -->\nafter\n"
    )


def test_a_second_report_of_the_same_results_changes_nothing():
    contents = {"table:peers": r"| \1 \g<0> |", "plot:peers": "![p](plots/peers.svg)"}
    once = filled(TEXT, contents)

    assert filled(once, contents) == once


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param({}, id="no results at all"),
        pytest.param({"table:growth-sqlite": "| new |"}, id="results without a marker"),
    ],
)
def test_a_marker_without_results_is_left_alone(contents):
    assert filled(TEXT, contents) == TEXT


def test_a_marker_that_is_not_closed_does_not_swallow_the_next_one():
    text = "<!-- table:peers -->\ntext\n<!-- table:scaling -->\n<!-- /table -->\n"

    assert filled(text, {"table:peers": "| new |"}) == text
    assert marked(text) == {"table:scaling"}


def test_beneath_a_table_stands_when_and_on_what_it_was_measured():
    machine = load.machine(datetime(2026, 3, 2, 15, 30, 7, tzinfo=timezone(timedelta(hours=1)))) | {
        "cores": 2,
        "load": "2.39 1.35 1.24",
        "python": "3.11.7",
        "system": "Linux",
    }

    text = report.tabled({"watching-sqlite": Stored(rows=WATCHING, machine=machine, database="sqlite")})

    assert text["watching-sqlite"] == (
        f"{tables.watching(WATCHING)}\n\nMeasured: SQLite, 2026-03-02 14:30 UTC, 2 cores, "
        "load average 2.39 1.35 1.24 at its end, Python 3.11.7, `Linux`"
    )


def test_what_is_stored_is_read_again(tmp_path):
    load.store(tmp_path, "watching-postgresql", WATCHING, database="postgresql")

    found = report.read(tmp_path)["watching-postgresql"]

    assert (found.rows, found.database) == (WATCHING, "postgresql")
    assert {"date", "cores", "load", "python", "system"} == found.machine.keys()
    assert datetime.fromisoformat(found.machine["date"]).tzinfo == UTC


def test_results_of_older_forms_are_left_out_and_what_they_do_not_say_is_not_shown(tmp_path, capsys):
    (tmp_path / "scaling.json").write_text("[]")
    (tmp_path / "peers.json").write_text('{"rows": [')
    (tmp_path / "watching-sqlite.json").write_text(json.dumps({"machine": {"load": "1 1 1"}, "rows": WATCHING}))

    found = report.read(tmp_path)

    assert list(found) == ["watching-sqlite"]
    assert found["watching-sqlite"].circumstances == "Measured: SQLite, load average 1 1 1 at its end"
    assert capsys.readouterr().out.count("left out") == 2


def test_rows_that_lack_what_is_shown_cost_the_other_results_nothing(capsys):
    stored = {
        "peers": Stored(rows=[{"engine": "a"}], machine={}, database=""),
        "watching-sqlite": Stored(rows=WATCHING, machine={}, database="sqlite"),
    }

    assert list(report.tabled(stored)) == ["watching-sqlite"]
    assert "peers is left out: its rows have no 'rounds'" in capsys.readouterr().out


def test_a_folder_that_is_not_there_has_no_results(tmp_path):
    assert report.read(tmp_path / "none") == {}


PAGE = report.README.read_text()


def test_the_page_has_a_closed_marker_for_each_table_and_plot():
    plots = {
        f"plot:{name}{kind}"
        for name in report.DESCRIPTIONS
        for kind in (("",) if name == "peers" else ("-sqlite", "-postgresql"))
    }

    assert marked(PAGE) == {f"table:{name}" for name in report.TABLES} | plots
    assert PAGE.count("<!-- ") == 2 * len(marked(PAGE))


def test_each_plot_that_the_page_shows_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", PAGE):
        assert (report.README.parent / path).exists(), path


def test_the_report_needs_neither_django_nor_the_scanner():
    forbidden = "import sys; sys.modules.update(dict.fromkeys(['django', 'celery', 'scanner_app', 'scanner_project']))"
    script = f"{forbidden}; import benchmarks.report, benchmarks.series"

    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True)
