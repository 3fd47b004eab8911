"""Symbol and timeframe out of names of files, and other people's names of timeframes."""

import pytest

from scanner_app.feeds.reader.file_names import read_name
from scanner_app.feeds.reader.timeframe_names import timeframe_of


@pytest.mark.parametrize(
    ("stem", "symbol", "timeframe"),
    [
        ("AAPL", "AAPL", ""),
        ("BRK.B", "BRK.B", ""),
        ("BRK B", "BRK B", ""),
        ("BTC-USD", "BTC-USD", ""),
        ("^GSPC", "^GSPC", ""),
        ("ES=F", "ES=F", ""),
        ("M&M.NS", "M&M.NS", ""),
        ("005930", "005930", ""),
        ("0700.HK", "0700.HK", ""),
        ("MO", "MO", ""),
        ("ALL", "ALL", ""),
        ("AAPL (1)", "AAPL", ""),
        ("PF_XBTUSD_1h", "PF_XBTUSD", "1h"),
        ("SHOP.TO", "SHOP.TO", ""),
        ("SHOP-TO", "SHOP-TO", ""),
        ("NIFTY 50-11-03-2024-to-22-03-2024", "NIFTY 50", ""),
        ("btcusd_1-min_data", "btcusd", "1m"),
        ("EURUSD_4 Hours_Ask_2024.03.11_2024.03.12", "EURUSD", "4h"),
        ("EURUSD_Daily_Bid_2024.03.11_2024.03.12", "EURUSD", "1d"),
        ("Données Historiques - ACME", "ACME", ""),
        ("ACME Datos histo\u0301ricos", "ACME", ""),
        ("AAPL_daily", "AAPL", "1d"),
        ("AAPL_1d", "AAPL", "1d"),
        ("aapl-5min-data", "aapl", "5m"),
        ("BTC-USD_1h_2024-01-01_2024-06-30", "BTC-USD", "1h"),
        ("data_AAPL", "AAPL", ""),
        ("AAPL historical prices", "AAPL", ""),
        ("ES 03-24", "ES 03-24", ""),
        ("KLMUSDT-1m-2024-12-31", "KLMUSDT", "1m"),
        ("BTCUSDT-1mo-2024-12", "BTCUSDT", "1M"),
        ("BTCUSD_PERP-1d-2024-12-31", "BTCUSD_PERP", "1d"),
        ("BTC_USDT-5m", "BTC/USDT", "5m"),
        ("BTC_USDT_USDT-1h-futures", "BTC/USDT:USDT", "1h"),
        ("Bitstamp_ETCUSD_1h", "ETCUSD", "1h"),
        ("Binance_BTCUSDT_2024_minute", "BTCUSDT", "1m"),
        ("NZDJPY_Candlestick_1_M_BID_13.02.2024-13.02.2024", "NZDJPY", "1m"),
        ("EURUSD_Candlestick_4_Hour_ASK_01.01.2024-31.01.2024", "EURUSD", "4h"),
        ("DAT_ASCII_EURUSD_M1_2012", "EURUSD", "1m"),
        ("EURUSD_M15_202401020000_202401312359", "EURUSD", "15m"),
        ("EURUSD.r_H4_202401020000_202401312359", "EURUSD.r", "4h"),
        ("NASDAQ_AAPL, 1D", "AAPL", "1d"),
        ("BATS_BRK.B, 60_1f2e3", "BRK.B", "1h"),
        ("CME_MINI_ES1!, 5", "ES1!", "5m"),
        ("Apple Stock Price History", "Apple", ""),
        ("XAU_USD Historical Data", "XAU_USD", ""),
        ("intraday_5min_IBM", "IBM", "5m"),
        ("weekly_adjusted_IBM", "IBM", ""),
        ("aapl_us_d", "AAPL.US", "1d"),
        ("XBTUSD_1440", "XBTUSD", "1d"),
        ("20131007_spy_minute_trade", "SPY", "1m"),
        ("orcl-1995-2014", "orcl", ""),
    ],
)  # fmt: skip
def test_vendors_patterns_and_words_of_files_are_taken_off(stem, symbol, timeframe):
    hint = read_name(stem)

    assert (hint.symbol, hint.timeframe) == (symbol, timeframe)


@pytest.mark.parametrize(
    "stem",
    [
        "data", "Prices", "export", "ohlcv", "download (3)", "historical_data", "2024", "2024-01-02", "20240102",
        "prices_2024", "HistoricalData_1704186000000", "1m", "2006-day-001", "stock_prices_daily", "test", "",
    ],
)  # fmt: skip
def test_a_name_that_is_plainly_a_files_gives_no_symbol(stem):
    assert read_name(stem).symbol == ""


@pytest.mark.parametrize(
    ("text", "timeframe"),
    [
        ("1m", "1m"), ("1M", "1M"), ("M", "1M"), ("60m", "1h"), ("1Min", "1m"), ("1min", "1m"), ("minute", "1m"),
        ("1 day", "1d"), ("1Day", "1d"), ("Daily", "1d"), ("D", "1d"), ("d", "1d"), ("day", "1d"), ("1wk", "1w"),
        ("Weekly", "1w"), ("1mo", "1M"), ("monthly", "1M"),
        ("PT1H", "1h"), ("PT5M", "5m"), ("P1D", "1d"), ("P1M", "1M"),
        ("1", "1m"), ("5", "5m"), ("60", "1h"), ("240", "4h"), ("1440", "1d"), ("10080", "1w"), ("M15", "15m"),
        ("H4", "4h"), ("D1", "1d"), ("W1", "1w"), ("MN1", "1M"), ("24h", "1d"), ("7d", "1w"), ("1 hour", "1h"),
        ("5T", "5m"), (" 1H ", "1h"), ("1s", "1s"),
    ],
)  # fmt: skip
def test_other_peoples_names_of_timeframes_are_understood(text, timeframe):
    assert timeframe_of(text) == timeframe


@pytest.mark.parametrize("text", ["", "7x", "x", "0", "0m", "13m", "2M", "999999999999d", "1 fortnight", "\u0665m"])
def test_what_names_no_timeframe_is_none(text):
    assert timeframe_of(text) is None
