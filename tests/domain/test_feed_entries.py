import pytest

from scanner_app.domain.feed_entries import FeedEntry, Series, parse_entry, parse_feeds


def test_entries_are_separated_by_semicolons_and_timeframes_count_for_all_tickers_of_theirs():
    first, second = parse_feeds("binance:BTCUSDT, ethusdt@1m+1h; alpaca:AAPL@1Min;")

    assert first == FeedEntry(venue="binance", tickers=("BTCUSDT", "ETHUSDT"), timeframes=("1m", "1h"))
    assert second.series == (Series("AAPL", "1m"),)
    assert first.series[1] == Series("BTCUSDT", "1h")


def test_nothing_is_no_feed():
    assert parse_feeds("") == ()


def test_a_ticker_may_have_colons_and_at_signs():
    entry = parse_entry("ccxt.kraken", "BTC/USD,LSE:VOD,A@B@1d")

    assert entry.tickers == ("BTC/USD", "LSE:VOD", "A@B")


def test_the_normal_form_is_understood_again():
    entry = parse_entry(" Binance ", "btcusdt, btcusdt,ethusdt @ 60+1m")

    assert parse_entry(entry.venue, entry.text) == entry
    assert entry.text == "BTCUSDT,ETHUSDT@1h+1m"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("BTCUSDT@1m", "VENUE:TICKERS@TIMEFRAMES", id="no venue"),
        pytest.param("binance:BTCUSDT", "has no timeframes", id="no timeframe"),
        pytest.param("binance:@1m", "no tickers", id="no ticker"),
        pytest.param("binance:BTCUSDT@7m", "not '7m'", id="a timeframe that bars can't have"),
        pytest.param("bin ance:BTCUSDT@1m", "'bin ance' is no name", id="a venue's name with a space"),
        pytest.param("binance:BTC\\USDT@1m", "no backslash", id="a ticker that can't be one"),
        pytest.param("binance:BTCUSDT@1m+", "not ''", id="a plus sign too many"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence_that_names_it(text, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        parse_feeds(text)
