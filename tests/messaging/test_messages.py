"""What Flower shows of a message, and what can be read from it again."""

from datetime import UTC, datetime

from scanner_app.messaging.messages import Message, due_in, in_words, names_in, next_in_words
from tests.odd_tickers import ODD_TICKERS

DUE = datetime(2026, 11, 29, 10, 0, 30, 999, tzinfo=UTC)


def message(ticker="TSLA", **values):
    fields = {"symbol_id": 1, "ticker": ticker, "sequence": 12, "epoch": 3, "retries": 2}
    return Message(**{**fields, "bar": "1d 2024-05-31T00:00:00Z", **values})


def test_a_message_is_shown_by_ticker_bar_number_attempt_and_time():
    assert in_words(message(), None) == "TSLA 1d 2024-05-31T00:00:00Z #12 attempt 3"
    assert in_words(message(), DUE) == "TSLA 1d 2024-05-31T00:00:00Z #12 attempt 3, due 2026-11-29T10:00:30Z"


def test_a_retry_is_shown_with_its_own_number_and_time():
    first = in_words(message(), DUE)

    second = next_in_words(first, 3, datetime(2026, 11, 29, 10, 1, tzinfo=UTC))

    assert second == "TSLA 1d 2024-05-31T00:00:00Z #12 attempt 4, due 2026-11-29T10:01:00Z"
    assert next_in_words(second, 4, None) == "TSLA 1d 2024-05-31T00:00:00Z #12 attempt 5"


def test_the_time_can_be_read_again():
    assert due_in(in_words(message(), DUE)) == DUE.replace(microsecond=0)
    assert due_in(in_words(message(), None)) is None


def test_a_task_id_tells_ticker_and_number():
    for ticker in [*ODD_TICKERS, "A-1-e2", "BTC-USD"]:
        assert names_in(message(ticker).task_id) == (ticker, 12)
        assert names_in(message(ticker, control=True).task_id) == (ticker, 12)
    assert names_in("5f1c0000-aaaa-bbbb-cccc-000000000000") is None
