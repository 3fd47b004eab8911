"""What the security log was told."""

from types import SimpleNamespace
from typing import Any

import pytest

from scanner_app.telemetry import security_log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of the test, oldest first."""
    told: list[dict[str, Any]] = []
    log = SimpleNamespace(info=lambda event, **what: told.append({"event": event, **what}))
    monkeypatch.setattr(security_log, "log", log)
    return told
