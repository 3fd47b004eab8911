"""A pipe or a terminal that nobody reads."""

import json
import logging
import os
import pty
import termios

import pytest

from scanner_project import output
from scanner_project.logs import logging_config
from scanner_project.up.terminal import Screen


@pytest.fixture
def pipe(monkeypatch):
    """A pipe: the end to read from, and a text stream on the other end."""
    monkeypatch.setattr(output, "PATIENCE_S", 0.01)
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    yield reader, stream
    stream.close()
    os.close(reader)


def patient(stream, **options) -> output.Output:
    out = output.patient(stream, **options)
    assert isinstance(out, output.Output)
    return out


def test_who_writes_does_not_wait_for_a_reader_for_ever(pipe):
    _, stream = pipe
    out = patient(stream)

    for _ in range(100):
        out.write("x" * 10_000 + "\n")

    assert 900_000 < out.take_lost() < 1_000_100
    assert out.take_lost() == 0


def test_what_is_written_after_a_torn_line_begins_on_its_own_line(pipe):
    reader, stream = pipe
    out = patient(stream)
    out.write("a" * 100_000 + "\n")
    os.read(reader, 200_000)

    out.write("next\n")

    assert os.read(reader, 100) == b"\nnext\n"


def test_the_reader_s_end_stays_as_it_was(pipe):
    _, stream = pipe
    output.patient(stream)

    assert os.get_blocking(stream.fileno())  # other processes write to it too


def test_a_file_is_left_as_it_is(tmp_path):
    with (tmp_path / "file").open("w") as file:
        assert output.patient(file) is file


def test_a_stopped_terminal_does_not_stop_us(monkeypatch):
    monkeypatch.setattr(output, "PATIENCE_S", 0.01)
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        out = patient(terminal, terminal=True)
        for _ in range(100):
            out.write("x" * 10_000)
        assert out.take_lost() > 0
    os.close(master)


def test_the_log_says_what_it_lost(pipe, monkeypatch):
    reader, stream = pipe
    monkeypatch.setattr("sys.stderr", stream)
    form = logging_config("json")["formatters"]["lines"]
    handler = output.LinesHandler()
    handler.setFormatter(form.pop("()")(**form))
    log = logging.Logger("test")
    log.addHandler(handler)
    for _ in range(10):
        log.warning("y" * 15_000)
    os.read(reader, 200_000)

    log.warning("and on")

    lines = [json.loads(line) for line in os.read(reader, 10_000).decode().split("\n") if line]
    assert [line["event"] for line in lines][:1] == ["and on"]
    assert lines[1]["event"].startswith("log_lost: ")


def test_a_log_line_on_a_terminal_replaces_the_line_of_progress(monkeypatch):
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        termios.tcsetwinsize(slave, (24, 80))
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        log = logging.Logger("test")
        log.addHandler(output.LinesHandler())
        Screen().draw("healthy  backlog 137")

        log.warning("no_write")

        shown = b""
        while not shown.endswith(b"\r\n"):  # a terminal may give what was written in parts
            shown += os.read(master, 1_000)
    os.close(master)
    assert shown.endswith(b"backlog 137\r\x1b[Kno_write\r\n")


def test_a_log_line_that_goes_elsewhere_has_nothing_before_it(tmp_path, monkeypatch):
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr("sys.stderr", file)
        log = logging.Logger("test")
        log.addHandler(output.LinesHandler())

        log.warning("no_write")

    assert (tmp_path / "file").read_text() == "no_write\n"
