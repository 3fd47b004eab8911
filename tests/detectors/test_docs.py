"""The examples of docs/detectors.md run as they stand there."""

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from scanner_app.detectors import beyond_candles
from scanner_app.detectors.wyckoff import Wyckoff

PAGE = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text(encoding="utf-8")
BEYOND = (Path(__file__).parents[2] / "docs" / "beyond-candles.md").read_text(encoding="utf-8")
PLUG_IN, SUBCLASS, TRIAL = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def my_detectors(tmp_path, monkeypatch):
    (tmp_path / "my_detectors.py").write_text(PLUG_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    monkeypatch.delitem(sys.modules, "my_detectors", raising=False)


def test_the_plug_in_of_the_docs_prints_what_the_docs_say(my_detectors, capsys):
    expected = PAGE.split(TRIAL)[1].split("```")[2].strip()

    exec(TRIAL, {})  # noqa: S102 - our own documentation

    assert capsys.readouterr().out.strip() == expected


def test_the_subclass_of_the_docs_has_the_parameter_it_asks_for():
    namespace: dict[str, Any] = {}

    exec(SUBCLASS, namespace)  # noqa: S102 - our own documentation

    assert namespace["LongWyckoff"]().bars_needed == 63


@pytest.mark.parametrize("field", fields(Wyckoff), ids=lambda field: field.name)
def test_every_parameter_of_wyckoff_is_documented_with_its_default(field):
    assert f"| `{field.name}` | {field.default:g} |" in PAGE


@pytest.mark.parametrize("name", beyond_candles.__all__)
def test_every_detector_beyond_candles_is_documented_with_meaning_rule_parameters_example_and_source(name):
    detector = getattr(beyond_candles, name)
    section = BEYOND.split(f"## `{detector.name}`: ")[1].split("\n## ")[0]

    for heading in ("What it means", "Rule", "Strength", "Example", "Source"):
        assert f"**{heading}" in section
    for field in fields(detector):
        assert f"| `{field.name}` | {field.default:g} |" in section
    assert re.search(rf"^\| \[`{detector.name}`\]\(.*\) \| .* \| {detector().bars_needed} \|", BEYOND, re.MULTILINE)
