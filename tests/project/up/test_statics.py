"""Static files are collected when they are not what was collected."""

from types import SimpleNamespace

import pytest

from scanner_project.up import statics


@pytest.fixture
def collected(tmp_path, monkeypatch):
    """How often they were collected; the sources are one file."""
    source = tmp_path / "source.css"
    source.write_text("a {}")
    calls = []

    def collect(*_, **__):
        calls.append(True)
        (tmp_path / "data" / "static" / "css").mkdir(exist_ok=True)
        (tmp_path / "data" / "static" / "css" / "made.css").write_text("a {} " * 10)

    (tmp_path / "data").mkdir()
    finder = SimpleNamespace(list=lambda _: [("source.css", SimpleNamespace(path=lambda _: str(source)))])
    monkeypatch.setattr(statics, "get_finders", lambda: [finder])
    monkeypatch.setattr(statics, "call_command", collect)
    statics.collect(tmp_path / "data")
    return calls


def test_once_is_enough(collected, tmp_path):
    statics.collect(tmp_path / "data")

    assert len(collected) == 1


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param(lambda data: (data / "static" / "css" / "made.css").write_text("a {}"), id="truncated"),
        pytest.param(lambda data: (data / "static" / "css" / "made.css").write_text(""), id="empty"),
        pytest.param(lambda data: (data / "static" / "css" / "made.css").write_text("b {} " * 10), id="garbage"),
        pytest.param(lambda data: (data / "static" / "css" / "made.css").unlink(), id="lost"),
        pytest.param(lambda data: (data / statics.STAMP).write_bytes(b"\xff\x00"), id="a stamp of garbage"),
        pytest.param(lambda data: (data / statics.STAMP).write_text(""), id="an empty stamp"),
        pytest.param(lambda data: (data.parent / "source.css").write_text("new {}"), id="other sources"),
    ],
)
def test_what_is_broken_or_old_is_collected_anew(collected, tmp_path, breaks):
    breaks(tmp_path / "data")

    statics.collect(tmp_path / "data")

    assert len(collected) == 2
    assert (tmp_path / "data" / "static" / "css" / "made.css").read_text() == "a {} " * 10


def test_a_collection_that_was_cut_off_is_made_anew(collected, tmp_path, monkeypatch):
    def cut(*_, **__):
        raise OSError(28, "No space left on device")

    (tmp_path / "source.css").write_text("new {}")
    with monkeypatch.context() as patched:
        patched.setattr(statics, "call_command", cut)
        with pytest.raises(OSError, match="No space"):
            statics.collect(tmp_path / "data")

    statics.collect(tmp_path / "data")

    assert len(collected) == 2
