import pytest

from scanner_app.messaging import heartbeats, live_feeds, sweep_memory
from scanner_project.up import probe


def test_the_keys_are_the_broker_s():
    assert (probe.HEARTBEAT_KEY, probe.SWEPT_KEY) == (heartbeats.KEY, sweep_memory.SWEPT_KEY)
    assert probe.FEED_KEY == live_feeds.PROCESS_KEY


@pytest.mark.parametrize("arguments", [("web",), ("flower",), ("worker", "main"), ("beat",), ("feed",)])
def test_nothing_is_well_where_nothing_runs(arguments, monkeypatch, capsys):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WEB_PORT", "1")
    monkeypatch.setenv("FLOWER_PORT", "1")

    assert probe.main(*arguments) == 1
    assert capsys.readouterr().err
