"""`manage.py check --deploy` under the production settings that docs/operations.md names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def documented():
    """The settings of the block under "Behind a proxy" of docs/operations.md."""
    section = (ROOT / "docs" / "operations.md").read_text().partition("\n## Behind a proxy\n")[2]
    return dict(re.findall(r"^([A-Z_]+)=(\S+)", section.partition("```\n")[2].partition("```")[0], re.MULTILINE))


def check(folder, **env):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder), "SCANNER_LOG_FORMAT": "json", **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_documented_production_settings_have_no_warning(tmp_path):
    assert set(documented()) >= {"PUBLIC_URL", "TRUSTED_PROXIES"}

    done = check(tmp_path, **documented())

    assert (done.returncode, "WARNINGS" in done.stderr) == (0, False), done.stderr


def test_without_https_there_are_some(tmp_path):
    done = check(tmp_path, PUBLIC_URL="http://scanner.example")

    assert done.returncode == 1
    assert "security.W012" in done.stderr  # SESSION_COOKIE_SECURE


@pytest.mark.parametrize("name", ["PUBLIC_URL", "TRUSTED_PROXIES"])
def test_the_documented_settings_are_settings(name):
    assert f"| `{name}` |" in (ROOT / "README.md").read_text()
