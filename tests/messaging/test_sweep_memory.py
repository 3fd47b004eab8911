"""What sweeps keep in Redis, on a real server."""

import pytest

from scanner_app.messaging import sweep_memory


@pytest.mark.parametrize(
    ("every_s", "remembered_s"),
    [
        pytest.param(2, 60, id="a minute by default"),
        pytest.param(30, 300, id="ten sweeps where they are rare"),
    ],
)
def test_what_a_sweep_leaves_outlasts_the_next_ones(broker_server, settings, every_s, remembered_s):
    settings.SCANNER_SWEEP_S = every_s

    sweep_memory.remember_sweep({"TSLA-1-e0/0": 1.0})
    sweep_memory.mark_outage("TSLA-1-e0/0")

    for key in (sweep_memory.UNQUEUED_KEY, sweep_memory.SWEPT_KEY, sweep_memory.OUTAGE_KEY + "TSLA-1-e0/0"):
        assert broker_server.ttl(key) in {remembered_s - 1, remembered_s}, key
