"""Which version of a detector its signals carry."""

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

from scanner_app.detectors import DetectorError, candlesticks, load, loading
from scanner_app.detectors.versions import version_of

from . import samples


class Plain:
    """Without a version."""


def test_its_own_version_comes_first():
    assert version_of(samples.Up()) == "1.2"


def test_then_that_of_its_package(monkeypatch):
    monkeypatch.setattr(Plain, "__module__", "numpy.somewhere")

    assert version_of(Plain()) == metadata.version("numpy")


def test_then_a_hash_of_its_file():
    content = Path(candlesticks.__file__).read_bytes()

    assert version_of(candlesticks.Candlesticks()) == hashlib.sha256(content).hexdigest()[:12]


def test_code_without_a_file_has_none():
    assert version_of(type("Made", (), {"__module__": "nowhere"})()) == ""


@pytest.mark.parametrize("wrong", ["", " ", "x" * 65, "1\n2", 3])
def test_a_version_that_cannot_be_stored_is_refused(monkeypatch, wrong):
    monkeypatch.setattr(samples.Up, "version", wrong)

    with pytest.raises(DetectorError, match="version must be 1 to 64"):
        loading.load([f"{samples.__name__}.Up"])


def test_a_class_may_say_that_it_has_none_of_its_own(monkeypatch):
    monkeypatch.setattr(samples.Up, "version", None)

    (up,) = load([f"{samples.__name__}.Up"])

    assert len(version_of(up)) == 12
