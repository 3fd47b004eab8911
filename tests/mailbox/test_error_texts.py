"""The texts of errors that other people's code raises."""

import asyncio

import pytest

from scanner_app import mailbox
from scanner_app.domain.errors import DetectorFailed
from scanner_app.mailbox import error_texts


class Mute(Exception):
    def __str__(self):
        raise asyncio.CancelledError

    __repr__ = __str__


def raised(error, *, cause=None):
    try:
        raise error from cause
    except BaseException as exc:  # noqa: BLE001 - any
        return exc


def test_an_error_without_a_text_is_described():
    text = mailbox.describe(raised(Mute()))

    assert (text.type, text.message) == ("Mute", "(its text can't be made: CancelledError)")
    assert "test_error_texts.py" in text.traceback


def test_a_long_text_leaves_the_places_in_the_traceback():
    text = mailbox.describe(raised(ValueError("x" * 5_000_000)))

    assert len(text.message) == error_texts.MAX_ERROR_TEXT
    assert len(text.traceback) < error_texts.MAX_TRACEBACK
    assert "raise error from cause" in text.traceback


def test_of_what_a_detector_raised_the_detector_s_own_error_is_described():
    text = mailbox.describe(raised(DetectorFailed("GeneratorExit"), cause=GeneratorExit("its own")))

    assert (text.type, text.message, text.line) == ("GeneratorExit", "its own", "GeneratorExit: its own")


@pytest.mark.parametrize("error", [ValueError("x" * 5_000_000), ExceptionGroup("g", [ValueError("y" * 10_000)] * 30)])
def test_what_is_too_long_for_logs_and_messages_is_presented_by_its_texts(error):
    shown = mailbox.presentable(raised(error))

    assert isinstance(shown, DetectorFailed)
    assert str(shown).startswith(type(error).__name__)
    assert len(str(shown)) < 1000
    assert shown.__traceback__ is not None


def test_an_ordinary_error_is_presented_as_it_is():
    error = raised(ValueError("no good"))

    assert mailbox.presentable(error) is error


def test_an_error_with_a_deep_chain_is_described():
    error = ValueError("0")
    for number in range(2000):
        error = raised(ValueError(str(number)), cause=error)

    text = mailbox.describe(error)

    assert text.message == "1999"
    assert len(text.traceback) <= error_texts.MAX_TRACEBACK
