"""Vendored files are as they were published."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from scanner_project.settings import BASE_DIR

FOLDER = Path(BASE_DIR) / "scanner_app" / "static" / "vendor"
SUMS = dict(re.findall(r"`(\S+\.js)` \| `([0-9a-f]{64})`", (FOLDER / "README.md").read_text()))


def test_every_script_is_in_the_list():
    assert set(SUMS) == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.js")}


@pytest.mark.parametrize("name", SUMS)
def test_a_script_is_unchanged(name):
    assert sha256((FOLDER / name).read_bytes()).hexdigest() == SUMS[name]


@pytest.mark.parametrize("folder", [path for path in FOLDER.iterdir() if path.is_dir()], ids=lambda path: path.name)
def test_its_licence_is_beside_it(folder):
    assert (folder / "LICENSE").read_text().strip()
