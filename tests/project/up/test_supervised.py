"""Supervisor's logs on a disk that takes nothing."""

from supervisor import loggers

from scanner_project.up.supervised import SturdyLog


def line(text):
    return loggers.LogRecord(loggers.LevelsByName.INFO, text)


def made(file, **options):
    log = SturdyLog(str(file), **options)
    log.setFormat("%(message)s")
    return log


def test_lines_are_written(tmp_path):
    log = made(tmp_path / "log")

    log.emit(line(b"one\n"))
    log.emit(line("two\n"))

    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_full_disk_costs_lines_and_nothing_else(capfd):
    log = made("/dev/full")

    for _ in range(1000):
        log.emit(line(b"x" * 1000))

    assert log.lost == 1_000_000
    assert capfd.readouterr() == ("", "")  # no traceback, which would fill a pipe


def test_it_goes_on_and_says_what_was_lost_when_there_is_a_disk_again(tmp_path):
    log = made(tmp_path / "gone" / "log")
    log.emit(line(b"lost\n"))
    (tmp_path / "gone").mkdir()

    log.emit(line(b"kept\n"))

    assert (tmp_path / "gone" / "log").read_text() == '\n{"event": "log_lost", "bytes": 5}\nkept\n'


def test_it_is_turned_over_at_its_size(tmp_path):
    log = made(tmp_path / "log", maxBytes=10, backupCount=2)

    for number in range(4):
        log.emit(line(f"number {number}..\n"))

    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert (tmp_path / "log.1").read_text() == "number 3..\n"
    assert (tmp_path / "log.2").read_text() == "number 2..\n"


def test_a_file_that_cannot_be_turned_over_is_written_on(tmp_path, monkeypatch):
    log = made(tmp_path / "log", maxBytes=10, backupCount=2)

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.replace", read_only)
    log.emit(line(b"number 1..\n"))
    monkeypatch.undo()
    log.emit(line(b"number 2..\n"))

    assert "number 2.." in "".join(file.read_text() for file in tmp_path.iterdir())
