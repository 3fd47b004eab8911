"""What exists is documented: settings, commands, checks, documents."""

import dataclasses
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from scanner_app.api.urls import VIEWSETS
from scanner_app.domain.alert_rules import BREAKER, RULES, Limits
from scanner_app.domain.enums import EventKind
from scanner_app.feeds.hooks import tradingview
from scanner_project import env

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", env.Environment.model_fields)
def test_each_setting_stands_in_the_readme_with_its_default_and_meaning(name):
    field = env.Environment.model_fields[name]
    default = {True: "1", False: "0"}.get(field.default, str(field.default)) if field.default != "" else ""
    shown = f"`{default}`" if default else ""

    assert f"| `{name}` | {shown} | {field.description} |" in README


COMMANDS = sorted(name for name, app in get_commands().items() if app == "scanner_app")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_is_documented(name):
    documents = README + "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))

    assert load_command_class("scanner_app", name).help
    assert f"manage.py {name}" in documents


of_each_page = pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)


@of_each_page
def test_each_block_of_code_has_an_end_before_the_next_heading(page):
    for part in re.split(r"^## ", page.read_text(), flags=re.MULTILINE):
        assert len(re.findall(r"^```", part, re.MULTILINE)) % 2 == 0, part[:60]


@of_each_page
def test_no_line_of_a_table_of_settings_stands_twice(page):
    rows = re.findall(r"^\| (`[A-Z][A-Z_]+`) \|", page.read_text(), re.MULTILINE)
    assert sorted(set(rows)) == sorted(rows)


@of_each_page
def test_links_between_the_documents_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


API_PAGE = (ROOT / "docs" / "api.md").read_text()


@pytest.mark.parametrize("name", VIEWSETS)
def test_each_read_of_the_api_has_its_heading(name):
    assert f"\n\n### GET {name}\n" in API_PAGE


def test_each_kind_of_event_stands_beside_the_timeline_of_a_symbol():
    kinds = API_PAGE.partition("\n`kind` is `created`")[2].partition("\n")[0]

    assert {*re.findall(r"`(\w+)`", kinds), "created"} == set(EventKind)


def test_the_examples_that_read_the_logs_leave_out_what_is_no_json():
    page = (ROOT / "docs" / "operations.md").read_text()

    assert not re.findall(r"^jq .*\.log$", page, re.MULTILINE)


def test_the_text_to_paste_into_tradingview_stands_in_the_documents_as_the_page_shows_it():
    assert f"```json\n{tradingview.MESSAGE}\n```" in (ROOT / "docs" / "webhooks.md").read_text()


RUNBOOK = ROOT / "docs" / "runbook"


def test_each_alert_rule_has_a_page_and_each_page_a_rule():
    assert {page.stem for page in RUNBOOK.glob("*.md")} == {*RULES, BREAKER}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rules_page_says_what_it_means_what_to_look_at_and_what_to_do_and_its_times(rule):
    page = (ROOT / rule.runbook).read_text()

    assert page.startswith(f"# {rule.name}: {rule.title}\n")
    for heading in ("What it means", "What to look at", "What to do"):
        text = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert len(text) > 40, heading
    fires = f"after {_span(rule.for_s)}" if rule.for_s else "at once"
    times = f"over after {_span(rule.clear_s)} without it, sent again every {_span(rule.renew_s)}."
    assert f"Severity `{rule.severity}`. Fires {fires}, is {times}" in page


def _span(seconds):
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} minutes" if seconds < 3_600 else f"{seconds / 3_600:g} hour" + "s" * (seconds > 3_600)


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_each_limit_of_the_rules_is_a_setting_that_a_page_names(field):
    setting = f"SCANNER_ALERT_{field.name.upper()}"

    assert setting in env.Environment.model_fields
    assert any(f"`{setting}`" in page.read_text() for page in RUNBOOK.glob("*.md"))


def test_the_list_of_rules_in_the_documents_is_complete_and_links_each_page():
    page = (ROOT / "docs" / "alerts.md").read_text()

    for rule in RULES.values():
        assert f"| [{rule.name}](runbook/{rule.name}.md) | {rule.severity} |" in page


GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text()
PROMISES = re.split(r"^## ", GUARANTEES, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda text: text.partition(".")[0])
def test_each_guarantee_has_limits_tests_that_exist_and_a_way_to_see_it(promise):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
    commands = re.findall(r"manage\.py (\w+)", promise)

    assert all(f"\n- **{part}**: " in promise for part in ("Limits", "Tests", "See it"))
    assert named
    assert not [place for place, name in named if f"\ndef {name}(" not in (ROOT / place).read_text()]
    assert {*commands} <= {*COMMANDS}


def test_the_guarantees_are_numbered():
    assert [text.partition(".")[0] for text in PROMISES] == [str(number + 1) for number in range(len(PROMISES))]
