"""Progress of `manage.py history`: a bar on a terminal, nothing elsewhere."""

import io

import pytest
from rich.console import Console

from scanner_app.management import history_progress
from scanner_app.management.history_progress import Display


def shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=120)
    monkeypatch.setattr(history_progress, "Console", lambda **_: console)
    monkeypatch.setattr(history_progress, "DRAWN_EVERY_S", 0)
    with Display() as display:
        display.read(0.5)
        display.begin(2_000)
        for _ in range(2_000):
            display.step()
    return written.getvalue()


def test_on_a_terminal_it_says_how_many_of_the_bars_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "2,000 of 2,000 bars" in shown(monkeypatch, terminal=True)


def test_elsewhere_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, terminal=False).strip() == ""
