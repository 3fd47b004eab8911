"""The window that the detectors get."""

import numpy as np
import pytest

from scanner_app import mailbox
from scanner_app.engine import window
from scanner_app.models import Symbol
from tests.conftest import T0, make_symbol, new_bar, start_head

pytestmark = pytest.mark.django_db


def test_an_unknown_volume_is_nan_in_the_newest_bar_and_before(monkeypatch):
    monkeypatch.setattr(window, "bars_needed", lambda: 3)
    symbol = make_symbol("TSLA")
    mailbox.accept([new_bar(day=day, volume=volume) for day, volume in enumerate([None, 5.0, None])], now=T0)
    for _ in range(2):
        mailbox.complete(start_head(symbol), [], now=T0)

    seen = window.load_window(start_head(Symbol.objects.get()))

    np.testing.assert_array_equal(seen.volume, [np.nan, 5.0, np.nan])
    np.testing.assert_array_equal(seen.close, [11.0, 11.0, 11.0])
    assert seen.volume.dtype == np.float64
