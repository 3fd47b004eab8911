"""What strangers may read names no hosts and no files, and still says what is wrong."""

import socket

import pytest

from scanner_app.reading.strangers import without_hosts


@pytest.fixture(autouse=True)
def our_hosts(settings):
    settings.DATABASES = {"default": {**settings.DATABASES["default"], "HOST": "db7.example.com"}}
    settings.REDIS_URL = "rediss://user:secret@cache3:6379/0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("alive but deaf: main@web-1.local, slow@web-2", "alive but deaf: main, slow", id="workers"),
        pytest.param(
            'connection to server at "db7.example.com" (10.1.2.3), port 5432 failed: refused',
            'connection to server at "…" (…), port 5432 failed: refused',
            id="PostgreSQL",
        ),
        pytest.param("Error 111 connecting to cache3:6379.", "Error 111 connecting to …:6379.", id="Redis"),
        pytest.param("connecting to fe80::1:2ff port 1", "connecting to … port 1", id="IPv6"),
        pytest.param(
            "Error 2 connecting to unix socket: /srv/scanner/var/redis.sock.",
            "Error 2 connecting to unix socket: ….",
            id="a file",
        ),
        pytest.param(f"{socket.gethostname()} is away", "… is away", id="this host"),
        pytest.param(
            "no living worker of role main; the sweeper has not run since 2024-05-31 14:30:00, 5/6 done",
            "no living worker of role main; the sweeper has not run since 2024-05-31 14:30:00, 5/6 done",
            id="what names none",
        ),
    ],
)
def test_hosts_addresses_and_files_are_left_out(text, shown):
    assert without_hosts(text) == shown
