"""A bar in quarantine as a test: run by pytest in a process of its own, it fails as the bar failed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner_app import mailbox
from scanner_app.engine import autopsy
from scanner_app.models import Bar, BarRevision, QuarantinedBar, Symbol
from tests.conftest import DAY, T0, accept_days, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(settings):
    """The last of five bars in quarantine; the others are processed."""
    settings.SCANNER_DETECTORS = ["tests.engine.picky.Picky"]
    accept_days("BTC/USD", 5)
    symbol = Symbol.objects.get()
    for _ in range(4):
        mailbox.complete(start_head(symbol), [], now=T0)
    mailbox.quarantine_head(start_head(symbol), ValueError("line 1\rimport os\x0bx = 1\u2028'''\n\"\"\""), now=T0)
    return QuarantinedBar.objects.get()


def window_of(entry):
    made: dict[str, Any] = {}
    exec(compile(autopsy.as_test(entry), autopsy.file_name(entry), "exec"), made)  # noqa: S102 - our own text
    return made["WINDOW"]


def run_it(entry, folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the file by pytest in its folder, without the scanner's settings."""
    (folder / autopsy.file_name(entry)).write_text(autopsy.as_test(entry))
    env |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", "--rootdir", "."]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)


def test_it_fails_as_the_bar_failed_and_passes_once_the_detector_is_mended(entry, tmp_path):
    closes = list(Bar.objects.order_by("sequence").values_list("close", flat=True))[-3:]

    failed = run_it(entry, tmp_path, DISLIKED=repr(closes[-1]))
    mended = run_it(entry, tmp_path)

    assert (failed.returncode, mended.returncode) == (1, 0), failed.stdout + mended.stdout
    assert f"ValueError: no good: {closes}" in failed.stdout


def test_the_window_has_the_bars_before_it_and_their_values(entry):
    window = window_of(entry)

    bars = list(Bar.objects.order_by("sequence"))
    assert (window.symbol, window.timeframe, len(window)) == ("BTC/USD", "1d", 3)
    assert list(window.close) == [bar.close for bar in bars[-3:]]
    assert str(window.timestamps[-1]) == "2024-01-05T00:00:00.000000"
    assert autopsy.file_name(entry) == "test_BTC_USD_1d_20240105T000000Z.py"


def test_no_text_of_an_error_becomes_code(entry):
    lines = autopsy.as_test(entry).splitlines()
    head = lines[: lines.index("")]

    assert all(line.startswith("#") for line in head)
    assert any("import os" in line for line in head)
    window_of(entry)  # and it is Python


def test_bars_accepted_later_are_not_in_the_window_and_revised_ones_have_the_values_of_then(entry):
    third = Bar.objects.get(sequence=3)
    Bar.objects.filter(sequence=2).update(sequence=7)  # accepted after the bar failed
    Bar.objects.filter(sequence=4).update(sequence=8)
    old = {name: getattr(third, name) for name in ("open", "high", "low", "close", "volume")}
    for days, shift in ((-1, 5), (1, 0), (2, 9)):
        changed = {name: value + shift for name, value in old.items()}
        BarRevision.objects.create(bar=third, at=T0 + days * DAY, source="x", **changed)
    Bar.objects.filter(pk=third.pk).update(close=999, high=1_000)

    window = window_of(entry)

    assert [str(one)[:10] for one in window.timestamps] == ["2024-01-01", "2024-01-03", "2024-01-05"]
    assert window.close[1] == old["close"]


def test_an_unknown_volume_is_nan(entry):
    Bar.objects.filter(sequence=5).update(volume=None)

    assert str(window_of(QuarantinedBar.objects.get()).volume[-1]) == "nan"


@pytest.mark.parametrize(("error_type", "ends"), [("SoftTimeLimitExceeded", True), ("ValueError", False)])
def test_a_detector_that_hung_is_ended(entry, error_type, ends):
    entry.error_type = error_type

    assert ("dump_traceback_later" in autopsy.as_test(entry)) is ends
