"""Symbol and timeframe out of a file's name: vendors' patterns, and words that stand in names of files.

A name that is plainly a file's ("data", "prices", "2024") gives no symbol: it would become one that nobody has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scanner_app.feeds.reader.timeframe_names import timeframe_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NameHint:
    """What a file's name says. `symbol` and `timeframe` are empty where it says nothing.

    `said` is the pattern or the words taken off, for people; `vendor` the pattern's owner.
    """

    symbol: str = ""
    timeframe: str = ""
    vendor: str = ""
    said: str = ""
    day: str = ""  # YYYYMMDD, where the rows hold times of that day alone


def _as_is(symbol: str) -> str:
    return symbol


def _pair(symbol: str) -> str:
    """KLM_USDT is KLM/USDT, and with a third part, a future's settlement, KLM/USDT:USDT."""
    base, quote, *settled = symbol.split("_")
    return f"{base}/{quote}" + "".join(f":{each}" for each in settled[:1])


def _stooq(symbol: str) -> str:
    return symbol.replace("_", ".").upper()


_HISTORY = (
    "Historical (?:Data|Prices?|Rates)|Stock Price History|Futures Prices|Historische (?:Daten|Kurse|Gegevens)|"
    "Dati [Ss]torici|Données [Hh]istoriques|Datos [Hh]istóricos|Dados [Hh]istóricos|Geçmiş [Vv]erileri|"
    "Dane [Hh]istoryczne|Historiska [Dd]ata|Прошлые данные|Исторические данные|過去データ|과거 데이터|历史数据|歷史數據"
)
"""What Investing.com's editions call the data of a symbol in the names of their files."""

_DOTTED = r"\d{4}\.\d\d\.\d\d"
_DATE = r"\d{4}-?\d{2}(?:-?\d{2})?"
_PATTERNS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("Binance", rf"(?P<s>[A-Z0-9]+(?:_\w+)?)-(?P<t>\d+(?:s|m|h|d|w|mo))-{_DATE}", _as_is),
    ("freqtrade", r"(?P<s>[A-Z0-9]+_[A-Z0-9]+(?:_[A-Z0-9]+)?)-(?P<t>\d+[smhdwM]o?)(?:-(?:futures|spot|mark))?", _pair),
    ("Dukascopy", r"(?P<s>[\w.]+?)_Candlestick_(?P<t>\d+_[A-Za-z]+)_(?:BID|ASK)_.*", _as_is),
    ("Dukascopy", r"(?P<s>[a-z0-9]+)-(?P<t>[mhd]\d+)-(?:bid|ask)-.*", str.upper),
    ("Dukascopy", rf"(?P<s>[\w.]+?)_(?P<t>(?:\d+ )?[A-Z][a-z]+)_(?:Bid|Ask)_{_DOTTED}_{_DOTTED}", _as_is),
    ("HistData", r"DAT_[A-Z]+_(?P<s>[A-Z0-9]+)_(?P<t>M1)_\d+", _as_is),
    ("MetaTrader", r"(?P<s>.+?)_?(?P<t>M\d+|H\d+|Daily|Weekly|Monthly|D1|W1|MN1)_\d{8,12}_\d{8,12}", _as_is),
    ("TradingView", r"[A-Z0-9_]+_(?P<s>[^,\s_]+), ?(?P<t>\d+[SDWMH]?|[DWM])(?:_[0-9a-f]{4,6})?", _as_is),
    ("CryptoDataDownload", r"[A-Z][A-Za-z]{2,}_(?P<s>[A-Z0-9]{5,20})_(?:\d{4}_)?(?P<t>1?[hd]|minute|hour|daily)", str),
    ("Investing.com", rf"(?P<s>.+?) ?(?:- )?(?:{_HISTORY})", _as_is),
    ("Investing.com", rf"(?:{_HISTORY})(?: -| de| del| do| da)? (?P<s>.+)", _as_is),
    ("CoinMarketCap", r"(?P<s>.+?)_(?:\d+_){2}\d{4}-(?:\d+_){3}historical_data_coinmarketcap", _as_is),
    ("MarketWatch", r"Download Data - [A-Z]+_[A-Z]{2}_[A-Z]{4}_(?P<s>.+)", _as_is),
    ("NinjaTrader", r"(?P<s>.+)\.(?:Last|Bid|Ask)", _as_is),
    ("NSE", r"Quote-Equity-(?P<s>.+?)-[A-Z]{2}-\d{2}-\d{2}-\d{4}-(?:to-)?.*", _as_is),
    ("Alpha Vantage", r"(?:intraday_(?P<t>\d+min)|(?:dai|week|month)ly(?:_adjusted)?)_(?P<s>[\w.-]+)", str.upper),
    ("Barchart", r"(?P<s>[^_]+)_(?:(?P<t>daily|weekly|monthly)|intraday-(?P<t2>\d+min)).*historical-data.*", str.upper),
    ("LEAN", r"(?P<day>\d{8})_(?P<s>[a-z0-9.]+)_(?P<t>second|minute)_trade", str.upper),
    ("Stooq", r"(?P<s>\^?[a-z0-9.-]+(?:_(?:us|uk|de|jp|hk|pl|hu|f|b|c|v))?)_(?P<t>[dwm])", _stooq),
    ("Kraken", r"(?P<s>[A-Z0-9]{5,12})_(?P<t>1|5|15|30|60|240|720|1440|10080)", _as_is),
)  # fmt: skip
_COMPILED: Final = tuple((vendor, re.compile(pattern), make) for vendor, pattern, make in _PATTERNS)

_COPY = re.compile(r"\s*(?:\(\d+\)|- Copy|- Kopie)$")
_FILE_WORDS: Final = """
data dataset data1 price prices prices1 pricedata export exported download downloads ohlc ohlcv bars candle candles
candlestick candlesticks kline klines history historical historic hist historicaldata historicalquotes historicalprices
quote quotes stock stocks stockdata table sheet sheet1 output input test sample example untitled file files book1 query
result results report chart charts final cleaned copy backup tmp csv market marketdata timeseries crypto forex fx
equity equities unknown stdin intraday eod spot trades adjusted unadjusted dump
"""
_PLAIN: Final = frozenset(_FILE_WORDS.split())
"""Words that are no symbol when a name has nothing else."""

_END_WORDS: Final = """
full all raw clean adj adjsplit adjsplitdiv unadj min hour daily weekly monthly hourly minute minutes day year years max
continuous ratio absolute backadjusted
"""
_ENDS: Final = _PLAIN | frozenset(_END_WORDS.split())
"""Words that are taken off a name's ends. Some are symbols when they stand alone."""

_UNIX_TIME: Final = 9
"""Digits from which a number in a name is a time."""

_LENGTHS: Final = frozenset({"daily", "weekly", "monthly", "hourly", "minute", "day"})


def read_name(stem: str) -> NameHint:
    """Return what a file's name, without folder and suffixes, says of symbol and timeframe."""
    stem = unicodedata.normalize("NFC", _COPY.sub("", stem.strip()).strip())
    for vendor, pattern, make in _COMPILED:
        if match := pattern.fullmatch(stem):
            groups = match.groupdict()
            words = (groups.get("t") or groups.get("t2") or "").replace("_", " ")
            reversed_ = " ".join(reversed(words.split())) if words[:1].isalpha() else words
            if vendor == "Dukascopy" and words.endswith(" M"):
                words = words.lower()  # its M is a minute
            timeframe = _word_timeframe(words) or _word_timeframe(reversed_) or ""
            if "daily_" in stem and vendor == "Alpha Vantage":
                timeframe = "1d"
            return NameHint(
                symbol=make(groups["s"]),
                timeframe=timeframe,
                vendor=vendor,
                said=f"as {vendor} names its files",
                day=groups.get("day") or "",
            )
    return _words(stem)


def _word_timeframe(word: str) -> str | None:
    return timeframe_of(
        {"d": "1d", "w": "1w", "m": "1M"}.get(
            word, word.upper() if word[:1] in "mhd" and word[1:].isdecimal() else word
        )
    )


_WORD: Final = re.compile(
    r"\d{4}-\d{2}(?:-\d{2})?(?!\d)|\d{2}-\d{2}-\d{4}"
    r"|(?<![^_ ])\d{1,3}-?(?:min|minute|hour|day)(?=[_ -]|$)|[^\s_,;()\-]+"
)


def _words(stem: str) -> NameHint:
    """Take the words off a name's ends that say what a file is, and dates and timeframes."""
    words = [(match.start(), match.end(), match[0]) for match in _WORD.finditer(stem)]
    timeframe = ""
    first, last = 0, len(words)
    while first < last and (found := _off(words[last - 1][2])) is not None:
        timeframe, last = timeframe or found, last - 1
    while first < last - 1 and (found := _off(words[first][2])) is not None:
        timeframe, first = timeframe or found, first + 1
    if first >= last:
        # ALL, MAX and DAY are symbols when nothing else stands in the name.
        alone = len(words) == 1 and words[0][2].casefold() not in _PLAIN and not _is_date(words[0][2])
        alone = alone and words[0][2].isalpha()
        return NameHint(symbol=stem if alone else "")
    symbol = stem[words[first][0] : words[last - 1][1]]
    whole = first == 0 and last == len(words)
    if not whole and re.fullmatch(r"\d{1,3}", symbol):
        return NameHint(timeframe=timeframe)  # 2006-day-001
    if whole:
        symbol = stem
    return NameHint(symbol=symbol, timeframe=timeframe, said="" if whole else f"of the file's name {stem!r}")


def _off(word: str) -> str | None:
    """Return the timeframe in a word that is to be taken off a name ("" for none), None if it stays."""
    if word.casefold() in _ENDS or word == "to":  # from day to day; TO is a stock exchange
        return (timeframe_of(word) or "") if word.casefold() in _LENGTHS else ""
    if _is_date(word) or (word.isdecimal() and len(word) >= _UNIX_TIME):
        return ""
    # MO and D are tickers; 5min and M15 are not.
    if any(sign.isdigit() for sign in word) and not word.isdecimal() and (found := timeframe_of(word)):
        return found
    return None


def _is_date(word: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d{2}(?:[.-]?[01]\d(?:[.-]?[0-3]\d)?)?|\d{2}[.-]\d{2}[.-]\d{4}", word) is not None
