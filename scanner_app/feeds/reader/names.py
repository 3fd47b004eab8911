"""The names of columns: one table for all vendors. Compared without case, spaces and signs: `<OPEN>`, `Open_Price`.

The first name that a file has counts; further down in the table are names that mean the field only where
none above is there. "Adj Close" is no name of the close on purpose: it does not fit the other, unadjusted
prices of its line.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    # field, name, who writes it so
    ("timestamp", "time period start", "CoinAPI, whose time_open is the first trade's"),
    ("timestamp", "candle date time utc", "Upbit, whose timestamp is the last trade's"),
    ("timestamp", "time open", "CoinMarketCap, whose timestamp is the close's"),
    ("timestamp", "timestamp", "the scanner, Alpha Vantage, Alpaca, NSE (old daily files)"),
    ("timestamp", "ts_event", "Databento"),
    ("timestamp", "window_start", "Polygon/Massive flat files"),
    ("timestamp", "open time", "Binance archive (newer)"),
    ("timestamp", "unix", "CryptoDataDownload"),
    ("timestamp", "unix timestamp", "CryptoDataDownload (older)"),
    ("timestamp", "epoch", "Deriv"),
    ("timestamp", "datetime", "Yahoo intraday by yfinance, EODHD, Twelve Data"),
    ("timestamp", "date time", "NinjaTrader exports"),
    ("timestamp", "gmt time", "Dukascopy"),
    ("timestamp", "utc time", "Dukascopy"),
    ("timestamp", "time utc", "common"),
    ("timestamp", "timestamp utc", "common"),
    ("timestamp", "datetime utc", "common"),
    ("timestamp", "date utc", "common"),
    ("timestamp", "local time", "Dukascopy, with an offset in each cell"),
    ("timestamp", "start time", "Bybit, FTX"),
    ("timestamp", "begins at", "Robinhood"),
    ("timestamp", "timestart", "common"),
    ("timestamp", "bar time", "common"),
    ("timestamp", "ts", "OKX"),
    ("timestamp", "start", "Coinbase Advanced"),
    ("timestamp", "begin", "MOEX"),
    ("timestamp", "started at", "dYdX"),
    ("timestamp", "start at", "Bybit, second version"),
    ("timestamp", "unix time", "Birdeye"),
    ("timestamp", "snapshot time utc", "IG, Capital.com"),
    ("timestamp", "时间", "akshare"),
    ("date", "date", "Yahoo, Stooq, Investing.com, Nasdaq.com, Tiingo, MetaTrader, freqtrade, backtrader"),
    ("date", "date1", "NSE sec_bhavdata_full"),
    ("date", "trade date", "common"),
    ("date", "traddt", "NSE UDiFF"),
    ("date", "trading date", "common"),
    ("date", "exchange date", "Refinitiv"),
    ("date", "dtyyyymmdd", "Metastock's text, Forexite"),
    ("date", "dt", "common"),
    ("date", "day", "common"),
    ("date", "tradedate", "MOEX"),
    ("date", "日付け", "Investing.com in Japanese"),
    ("date", "日付", "Japanese brokers"),
    ("date", "日期", "akshare, Investing.com in Chinese"),
    ("date", "일자", "KRX"),
    ("date", "month", "monthly tables"),
    ("date", "날짜", "pykrx, Investing.com in Korean"),
    ("date", "date_ymd", "AmiBroker"),
    ("date", "tarih", "Investing.com in Turkish"),
    ("date", "дата", "Investing.com in Russian"),
    ("date", "datum", "Investing.com in German and Dutch"),
    ("date", "fecha", "Investing.com in Spanish"),
    ("date", "data", "Investing.com in Italian, Portuguese and Polish"),
    ("time", "time", "TradingView; MetaTrader and Stooq beside a date"),
    ("time", "time of day", "common"),
    ("time", "t", "Polygon, Alpaca, Finnhub"),
    ("time", "ticks", "Deribit"),
    ("time", "minute", "IEX, beside a date"),
    ("time", "time bar start", "AlgoSeek, beside a date"),
    ("time", "zeit", "German brokers"),
    ("time", "hour", "power exchanges, beside a date"),
    ("time", "uhrzeit", "German brokers"),
    ("time", "heure", "French brokers"),
    ("time", "hora", "Spanish and Brazilian brokers"),
    ("time", "ora", "Italian brokers"),
    ("time", "saat", "Turkish brokers"),
    ("time", "время", "Russian brokers"),
    ("time", "時刻", "Japanese brokers"),
    ("time", "시간", "Korean brokers"),
    ("index", "", "pandas: an index without a name"),
    ("index", "unnamed: 0", "pandas: an index without a name, read and written again"),
    ("index", "index", "pandas: reset_index"),
    ("index", "id", "HTX: the time of the bar"),
    ("index", "__index_level_0__", "pandas: an index without a name, in Parquet"),
    ("open", "open", "nearly all"),
    ("open", "o", "Polygon, Alpaca, Finnhub"),
    ("open", "open price", "NSE sec_bhavdata_full, LSE"),
    ("open", "opening price", "common"),
    ("open", "price open", "Coin APIs"),
    ("open", "opnpric", "NSE UDiFF"),
    ("open", "eröffn", "Investing.com in German"),
    ("open", "eröffnung", "German brokers"),
    ("open", "erster", "ariva.de"),
    ("open", "ouv", "Investing.com in French"),
    ("open", "ouverture", "French brokers"),
    ("open", "apertura", "Investing.com in Spanish and Italian"),
    ("open", "abertura", "Investing.com in Portuguese"),
    ("open", "otwarcie", "Stooq in Polish"),
    ("open", "öppen", "Investing.com in Swedish"),
    ("open", "px open", "Bloomberg"),
    ("open", "first trade price", "AlgoSeek"),
    ("open", "açılış", "Investing.com in Turkish"),  # noqa: RUF001 - it has no dot
    ("open", "откр", "Investing.com in Russian"),
    ("open", "bid open", "FXCM"),
    ("open", "open mid", "OANDA, first version"),
    ("open", "open bid", "OANDA, first version"),
    ("open", "始値", "Japanese"),
    ("open", "开盘", "akshare"),
    ("open", "开盘价", "Chinese"),
    ("open", "開盤價", "TWSE"),
    ("open", "시가", "pykrx"),
    ("open", "오픈", "Investing.com in Korean"),
    ("high", "high", "nearly all"),
    ("high", "h", "Polygon, Alpaca, Finnhub"),
    ("high", "high price", "NSE sec_bhavdata_full"),
    ("high", "highest price", "common"),
    ("high", "price high", "Coin APIs"),
    ("high", "max", "Bitstamp, Deriv"),
    ("high", "hghpric", "NSE UDiFF"),
    ("high", "hoch", "Investing.com in German, ariva.de"),
    ("high", "plus haut", "Investing.com in French"),
    ("high", "máximo", "Investing.com in Spanish"),
    ("high", "máx", "Investing.com in Spanish"),
    ("high", "máxima", "Investing.com in Portuguese"),
    ("high", "massimo", "Investing.com in Italian"),
    ("high", "najwyzszy", "Stooq in Polish"),
    ("high", "högsta", "Investing.com in Swedish"),
    ("high", "hoogste", "Dutch brokers"),
    ("high", "haut", "Boursorama"),
    ("high", "tageshoch", "German exchanges"),
    ("high", "en yüksek", "Turkish brokers"),
    ("high", "px high", "Bloomberg"),
    ("high", "high trade price", "AlgoSeek"),
    ("high", "hoog", "Investing.com in Dutch"),
    ("high", "yüksek", "Investing.com in Turkish"),
    ("high", "макс", "Investing.com in Russian"),
    ("high", "bid high", "FXCM"),
    ("high", "high mid", "OANDA, first version"),
    ("high", "high bid", "OANDA, first version"),
    ("high", "高値", "Japanese"),
    ("high", "最高", "akshare"),
    ("high", "最高价", "Chinese"),
    ("high", "高", "Investing.com in Chinese"),
    ("high", "最高價", "TWSE"),
    ("high", "고가", "pykrx"),
    ("low", "low", "nearly all"),
    ("low", "l", "Polygon, Alpaca, Finnhub"),
    ("low", "low price", "NSE sec_bhavdata_full"),
    ("low", "lowest price", "common"),
    ("low", "price low", "Coin APIs"),
    ("low", "min", "Bitstamp, Deriv"),
    ("low", "lwpric", "NSE UDiFF"),
    ("low", "tief", "Investing.com in German, ariva.de"),
    ("low", "plus bas", "Investing.com in French"),
    ("low", "mínimo", "Investing.com in Spanish"),
    ("low", "mín", "Investing.com in Spanish"),
    ("low", "mínima", "Investing.com in Portuguese"),
    ("low", "minimo", "Investing.com in Italian"),
    ("low", "najnizszy", "Stooq in Polish"),
    ("low", "lägsta", "Investing.com in Swedish"),
    ("low", "laagste", "Dutch brokers"),
    ("low", "bas", "Boursorama"),
    ("low", "tagestief", "German exchanges"),
    ("low", "en düşük", "Turkish brokers"),
    ("low", "px low", "Bloomberg"),
    ("low", "low trade price", "AlgoSeek"),
    ("low", "laag", "Investing.com in Dutch"),
    ("low", "düşük", "Investing.com in Turkish"),
    ("low", "мин", "Investing.com in Russian"),
    ("low", "bid low", "FXCM"),
    ("low", "low mid", "OANDA, first version"),
    ("low", "low bid", "OANDA, first version"),
    ("low", "安値", "Japanese"),
    ("low", "最低", "akshare"),
    ("low", "最低价", "Chinese"),
    ("low", "低", "Investing.com in Chinese"),
    ("low", "最低價", "TWSE"),
    ("low", "저가", "pykrx"),
    ("close", "close", "nearly all"),
    ("close", "c", "Polygon, Alpaca, Finnhub"),
    ("close", "close price", "NSE sec_bhavdata_full"),
    ("close", "closing price", "common"),
    ("close", "price close", "Coin APIs"),
    ("close", "close/last", "Nasdaq.com"),
    ("close", "clspric", "NSE UDiFF"),
    ("close", "schluss", "ariva.de"),
    ("close", "schlusskurs", "German brokers"),
    ("close", "zuletzt", "Investing.com in German"),
    ("close", "dernier", "Investing.com in French"),
    ("close", "último", "Investing.com in Spanish and Portuguese"),
    ("close", "ultimo", "Investing.com in Italian"),
    ("close", "cierre", "Spanish brokers"),
    ("close", "zamkniecie", "Stooq in Polish"),
    ("close", "laatst", "Investing.com in Dutch"),
    ("close", "laatste", "Investing.com in Dutch"),
    ("close", "senaste", "Investing.com in Swedish"),
    ("close", "clot", "Boursorama"),
    ("close", "clôture", "French brokers"),
    ("close", "fechamento", "Brazilian brokers"),
    ("close", "chiusura", "Italian brokers"),
    ("close", "kapanış", "Turkish brokers"),  # noqa: RUF001 - it has no dot
    ("close", "px last", "Bloomberg"),
    ("close", "trade price", "Upbit"),
    ("close", "last trade price", "AlgoSeek"),
    ("close", "şimdi", "Investing.com in Turkish"),
    ("close", "цена", "Investing.com in Russian"),
    ("close", "ostatnio", "Investing.com in Polish"),
    ("close", "bid close", "FXCM"),
    ("close", "close mid", "OANDA, first version"),
    ("close", "close bid", "OANDA, first version"),
    ("close", "終値", "Japanese"),
    ("close", "收盘", "akshare"),
    ("close", "收盘价", "Chinese"),
    ("close", "收盤價", "TWSE"),
    ("close", "종가", "pykrx"),
    ("close", "last", "Barchart"),
    ("close", "latest", "Barchart"),
    ("close", "last price", "brokers"),
    ("close", "price", "Investing.com"),
    ("volume", "volume", "nearly all"),
    ("volume", "vol", "Investing.com, Stooq, MetaTrader 5 (real volume)"),
    ("volume", "v", "Polygon, Alpaca, Finnhub"),
    ("volume", "real volume", "MetaTrader 5's Python package"),
    ("volume", "base volume", "exchanges"),
    ("volume", "volume base", "exchanges"),
    ("volume", "volumefrom", "CryptoCompare"),
    ("volume", "volume traded", "CoinAPI"),
    ("volume", "total volume", "common"),
    ("volume", "total trade quantity", "NSE by Quandl"),
    ("volume", "tottrdqty", "NSE (old daily files)"),
    ("volume", "ttl_trd_qnty", "NSE sec_bhavdata_full"),
    ("volume", "ttltradgvol", "NSE UDiFF"),
    ("volume", "shares traded", "NSE index files"),
    ("volume", "no of shares", "BSE"),
    ("volume", "number of shares", "Euronext"),
    ("volume", "trading volume", "FinMind"),
    ("volume", "traded volume", "common"),
    ("volume", "px volume", "Bloomberg"),
    ("volume", "base token volume", "dYdX"),
    ("volume", "candle acc trade volume", "Upbit"),
    ("volume", "stück", "German brokers; their Volumen is turnover"),
    ("volume", "stücke", "German exchanges"),
    ("volume", "stuecke", "ariva.de"),
    ("volume", "wolumen", "Stooq in Polish"),
    ("volume", "volumen", "Spanish and German brokers"),
    ("volume", "hac", "Investing.com in Turkish"),
    ("volume", "объём", "Investing.com in Russian"),
    ("volume", "wol", "Investing.com in Polish"),
    ("volume", "出来高", "Japanese"),
    ("volume", "成交量", "akshare"),
    ("volume", "交易量", "Investing.com in Chinese"),
    ("volume", "成交股數", "TWSE"),
    ("volume", "거래량", "pykrx"),
    ("volume", "tick volume", "MetaTrader 5's Python package"),
    ("volume", "tickvol", "MetaTrader 5"),
    ("volume", "tickqty", "fxcmpy"),
    ("symbol", "symbol", "Alpaca, Databento, NSE, CryptoDataDownload"),
    ("symbol", "ticker", "Polygon flat files, Stooq"),
    ("symbol", "tckrsymb", "NSE UDiFF"),
    ("symbol", "ts code", "Tushare"),
    ("symbol", "secid", "MOEX"),
    ("symbol", "ric", "Refinitiv"),
    ("symbol", "stock id", "FinMind"),
    ("symbol", "股票代码", "akshare"),
    ("symbol", "代码", "Chinese"),
    ("symbol", "证券代码", "Chinese"),
    ("symbol", "證券代號", "TWSE"),
    ("symbol", "종목코드", "KRX"),
    ("symbol", "銘柄コード", "Japanese brokers"),
    ("symbol", "ativo", "ProfitChart"),
    ("symbol", "instrument name", "OKX"),
    ("symbol", "stock symbol", "common"),
    ("symbol", "ticker symbol", "common"),
    ("symbol", "stock code", "common"),
    ("symbol", "product id", "Coinbase"),
    ("symbol", "security", "Bloomberg"),
    ("symbol", "contract", "futures"),
    ("symbol", "asset", "common"),
    ("symbol", "coin", "common"),
    ("symbol", "sym", "kdb+, Polygon's stream"),
    ("symbol", "instrument", "the scanner"),
    ("symbol", "tic", "FinRL"),
    ("symbol", "act_symbol", "DoltHub"),
    ("symbol", "pair", "exchanges"),
    ("symbol", "stock", "common"),
    ("symbol", "code", "common"),
    ("symbol", "name", "Kaggle's S&P 500 set"),
    ("symbol", "market", "Upbit"),
    ("symbol", "s", "streams of Binance, Alpaca, Hyperliquid"),
    ("series", "series", "NSE: EQ is the share itself"),
    ("series", "sctysrs", "NSE UDiFF"),
    ("timeframe", "timeframe", "the scanner"),
    ("timeframe", "per", "Stooq"),
    ("timeframe", "period", "common"),
    ("timeframe", "interval", "exchanges"),
    ("timeframe", "resolution", "dYdX, Capital.com"),
    ("timeframe", "granularity", "OANDA, Coinbase"),
    ("timeframe", "frequency", "Intrinio"),
    ("timeframe", "bar size", "Interactive Brokers"),
    ("timeframe", "tf", "common"),
    ("timeframe", "i", "Binance's stream"),
    ("timeframe", "rtype", "Databento"),
    ("closed", "closed", "the scanner"),
    ("closed", "is closed", "exchanges"),
    ("closed", "complete", "OANDA"),
    ("closed", "confirm", "OKX"),
    ("closed", "x", "Binance's stream"),
)  # fmt: skip

PRICES: Final = ("open", "high", "low", "close")
TIMES: Final = frozenset({"timestamp", "date", "time"})

LONGEST: Final = 100
"""Characters of a name that can mean something."""

PAIR: Final = re.compile(r"\(\s*['\"]?(.*?)['\"]?\s*,\s*['\"]?(.*?)['\"]?\s*\)")
"""A name of two levels as pandas writes it: `('Open', 'AAPL')`."""

_VOLUME_OF: Final = re.compile(r"volume([a-z]{2,10})")
"""`Volume BTC`, as CryptoDataDownload names the volume in a currency."""

_QUOTES: Final = frozenset({"usd", "usdt", "usdc", "eur", "busd", "gbp", "jpy", "try", "krw", "quote", "weighted"})
"""Currencies that a price is in: a volume in one of them is turnover."""

_NOT_A_VOLUME: Final = frozenset(
    {"volumeadjusted", "volumenotional", "volumechange", "volumema", "volumeaverage", "volumeweighted"}
)


def normalised(name: str) -> str:
    """Return a column's name as the table is compared with: letters and digits alone, in small letters."""
    name = unicodedata.normalize("NFKC", name)
    # Alpha Vantage's "1. open", AmiBroker's line of names.
    name = re.sub(r"^\s*(?:\d+[a-z]?\.\s+|\$FORMAT\s+)", "", name)
    bare = re.sub(r"\([^)]*\)", "", name) or name
    return "".join(sign for sign in bare.casefold() if sign.isalnum())


_BY_NAME: Final[dict[str, tuple[str, int]]] = {}
for _rank, (_field, _name, _vendor) in enumerate(_TABLE):
    _BY_NAME.setdefault(normalised(_name), (_field, _rank))

NAMED_BY: Final[dict[str, tuple[str, ...]]] = {
    field: tuple(name for each, name, _ in _TABLE if each == field and name) for field in {row[0] for row in _TABLE}
}
"""The names of each field, in the order of preference."""


def field_of(name: str) -> tuple[str, int] | None:
    """Return the field that a column's name stands for and its rank, a lower one being preferred. None: no field."""
    if len(name) > LONGEST:
        return None
    # Polygon's answers have `T`, the ticker, beside `t`, the time.
    if name.strip() == "T":
        return "symbol", len(_TABLE)
    plain = normalised(name)
    if (known := _BY_NAME.get(plain)) is not None:
        return known if plain or not name.strip() else None
    if (of := _VOLUME_OF.fullmatch(plain)) and plain not in _NOT_A_VOLUME:
        return "volume", len(_TABLE) + (1 if of[1] in _QUOTES else 0)
    return None


def is_name(cell: str) -> bool:
    """Whether a cell of text is a column's name that the table knows. An empty one is not."""
    return bool(cell.strip()) and field_of(cell) is not None


def part_named(name: str) -> str:
    """Return the part of pandas' name of two levels, `('Open', 'AAPL')`, that names a field; another name as it is."""
    if pair := PAIR.fullmatch(name.strip()):
        return next((part for part in (pair[1], pair[2]) if part and field_of(part) is not None), name)
    return name
