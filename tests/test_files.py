"""Small files that may be broken."""

import os
import stat
import threading
from itertools import count

import pytest

from scanner_app import files


@pytest.fixture
def file(tmp_path):
    return tmp_path / "secret"


def long_enough(text):
    return len(text) >= 5


def test_what_is_kept_is_made_once(file):
    first = files.keep(file, lambda: "made up", long_enough)
    second = files.keep(file, lambda: "another", long_enough)

    assert (first.text, first.made, first.was_broken) == ("made up", True, False)
    assert (second.text, second.made, second.was_broken) == ("made up", False, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n", id="blank"),
        pytest.param(b"mad", id="truncated"),
        pytest.param(b"\xff\xfe\x00\x01garbage", id="garbage"),
    ],
)
def test_what_is_broken_is_made_anew(file, broken):
    file.write_bytes(broken)

    kept = files.keep(file, lambda: "made up", long_enough)

    assert (kept.text, kept.made, kept.was_broken) == ("made up", True, True)
    assert file.read_text() == "made up\n"


def test_all_who_come_at_once_get_the_same(file):
    numbers = count()
    got = []
    threads = [
        threading.Thread(
            target=lambda: got.append(files.keep(file, lambda: f"number {next(numbers)}", long_enough).text)
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["number 0"] * 20


def test_a_write_that_fails_leaves_the_old_file(file, monkeypatch):
    files.write_whole(file, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(file, "new")

    assert file.read_text() == "old"
    assert [each.name for each in file.parent.iterdir()] == ["secret"]
