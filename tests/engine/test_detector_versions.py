"""A detector's new version is told on the timelines."""

from datetime import timedelta
from typing import Any

import pytest

from scanner_app.engine import detector_versions
from scanner_app.models import Signal, SymbolEvent
from scanner_app.reading import timeline
from tests.api.conftest import signal_on
from tests.conftest import T0, accept_days, make_symbol
from tests.detectors.samples import Up

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two symbols with bars and one without; a signal of the detector's version 1.1 is the newest. Now it is 1.2."""
    settings.SCANNER_DETECTORS = ["tests.detectors.samples.Up"]
    monkeypatch.setattr(detector_versions, "_noted", False)
    symbol = make_symbol("TSLA")
    for day, version in enumerate(("1.0", "1.1")):
        Signal.objects.filter(pk=signal_on(symbol, day).pk).update(detector="up", detector_version=version)
    accept_days("IBM", 1)
    make_symbol("NONE")


def told() -> list[tuple[str, str]]:
    events = SymbolEvent.objects.filter(kind="version").order_by("id")
    return [(event.symbol.ticker, event.reason) for event in events]


def test_each_symbol_with_bars_is_told_once(seen: None) -> None:
    detector_versions.note_changes(T0)
    detector_versions.note_changes(T0 + timedelta(hours=1))

    reason = "the detector up has version 1.2, before 1.1"
    assert told() == [("TSLA", reason), ("IBM", reason)]
    event = SymbolEvent.objects.filter(kind="version")[0]
    assert event.detail == {"before": {"up": "1.1"}, "after": {"up": "1.2"}}
    assert timeline.event_sentence(event, None) == f"From here on {reason}."


def test_the_next_change_is_told_though_no_signal_came_between(seen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    detector_versions.note_changes(T0)
    monkeypatch.setattr(Up, "version", "1.3")

    assert detector_versions.note_changes(T0 + timedelta(hours=1)) == {"up": ("1.2", "1.3")}


def test_detectors_that_change_together_are_one_event(
    seen: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCANNER_DETECTORS = ["tests.detectors.samples.Up", "tests.detectors.samples.Longest"]
    Signal.objects.filter(pk=Signal.objects.order_by("id")[0].pk).update(detector="n" * 64)

    detector_versions.note_changes(T0)
    detector_versions.note_changes(T0 + timedelta(hours=1))

    assert [ticker for ticker, _ in told()] == ["TSLA", "IBM"]
    assert SymbolEvent.objects.values_list("detail__after", flat=True).get(kind="version", symbol__ticker="TSLA") == {
        "up": "1.2",
        "n" * 64: "1.2",
    }


def test_the_same_version_and_a_detector_without_signals_are_not_told(seen: None) -> None:
    Signal.objects.filter(detector_version="1.1").update(detector_version="1.2")
    assert detector_versions.note_changes(T0) == {}
    Signal.objects.all().delete()
    assert detector_versions.note_changes(T0) == {}

    assert told() == []


def test_signals_of_a_time_before_versions_say_nothing(seen: None) -> None:
    Signal.objects.update(detector_version="")

    assert detector_versions.note_changes(T0) == {}


def test_a_process_looks_once(seen: None, django_assert_num_queries: Any) -> None:
    detector_versions.note(T0)

    with django_assert_num_queries(0):
        detector_versions.note(T0)
