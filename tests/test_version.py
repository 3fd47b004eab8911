"""The version stands in one place, and the changelog knows it."""

import re
import tomllib
from datetime import date
from pathlib import Path

from scanner_project.version import VERSION

ROOT = Path(__file__).parent.parent
HEADINGS = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_version_has_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_pyproject_reads_the_version_and_holds_none_of_its_own():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "scanner_project.version.VERSION"}


def test_the_newest_dated_version_of_the_changelog_is_the_version():
    assert HEADINGS[0] == "[Unreleased]"
    newest = re.fullmatch(r"\[(.+)\] - (\d{4}-\d{2}-\d{2})", HEADINGS[1])

    assert newest is not None
    assert newest[1] == VERSION
    assert date.fromisoformat(newest[2])
