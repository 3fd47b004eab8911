"""The lock of requirements: complete, with hashes, and without the addresses of anybody's package index."""

from pathlib import Path

import pytest

from scanner_project import lock

ROOT = Path(__file__).parent.parent.parent
HASH = "--hash=sha256:" + "0" * 64


def test_ours_fits():
    assert lock.main() == 0


def test_ours_names_no_index():
    text = (ROOT / "requirements.lock").read_text()

    assert "index-url" not in text
    assert "://" not in text


@pytest.mark.parametrize(
    ("wanted", "locked", "says"),
    [
        pytest.param("Django==5.2.19", f"django==5.2.19 \\\n    {HASH}\n    # via x", [], id="it fits"),
        pytest.param("kombu[redis]==5", f"kombu[redis]==5 {HASH}", [], id="with extras"),
        pytest.param("a==1", f"a==1 ; python_version < '3.12' {HASH}\na==2 {HASH}", [], id="by Python"),
        pytest.param("a==1", f"a==2 {HASH}", ["requirements.lock: a==1 is missing"], id="another version"),
        pytest.param("# a\na==1", "", ["requirements.lock: a==1 is missing"], id="a new package"),
        pytest.param("a==1", "a==1", ["requirements.lock: a has no hash"], id="no hash"),
    ],
)
def test_what_does_not_fit_is_said(wanted, locked, says):
    assert lock.problems(wanted, locked) == says
