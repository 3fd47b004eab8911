"""Files as vendors write them, with invented values, are read without any option.

Each of them holds the same six bars, whatever its form: tests/feeds/vendors/ has those that are text, the others are
made here. The name before the first point is the vendor's and is taken off; the rest is the file's name as
people have it.
"""

import io
import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.options import Options

VENDORS = Path(__file__).parent.parent / "vendors"

DAYS = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 4, 5, 8, 9)]
MINUTES = [datetime(2024, 1, 2, 14, 30, tzinfo=UTC) + timedelta(minutes=number) for number in range(6)]
HOURS = [datetime(2024, 1, 2, 14, tzinfo=UTC) + timedelta(hours=number) for number in range(6)]
FIVES = [datetime(2024, 1, 2, 14, 30, tzinfo=UTC) + timedelta(minutes=5 * number) for number in range(6)]
TIMES = {"1d": DAYS, "1m": MINUTES, "1h": HOURS, "5m": FIVES}

PRICES = {
    "open": [100.0 + number for number in range(6)],
    "high": [101.5 + number for number in range(6)],
    "low": [99.25 + number for number in range(6)],
    "close": [100.5 + number for number in range(6)],
}
NAMES = ("AAX", "BBX")
VOLUMES = [1000.0 + number for number in range(6)]


def expected(symbol, timeframe, *, add=0.0, volume=True, times=None):
    """The six bars of a symbol."""
    return [
        {"symbol": symbol, "timeframe": timeframe, "timestamp": moment}
        | {name: values[number] + add for name, values in PRICES.items()}
        | {"volume": VOLUMES[number] if volume else None}
        for number, moment in enumerate(times or TIMES[timeframe])
    ]


def bars_of(path, **options):
    """All bars of a file, feed after feed."""
    return [bar for feed in open_feeds(path, Options(**options)) for _, bar in feed.items]


@pytest.fixture
def vendor_file(tmp_path):
    """The vendor's file under the name that people have it by."""

    def find(name):
        known = name.split(".", 1)[1] if name.count(".") > 1 else name
        return Path(shutil.copy(VENDORS / name, tmp_path / known))

    return find


ONE_SYMBOL = [
    ("yahoo_old.ACME.csv", "ACME", "1d"),
    ("yahoo_new.QQX.csv", "QQX", "1d"),
    ("yahoo_history.ACME.csv", "ACME", "1m"),
    ("yahoo_chart.json", "ACME", "1m"),
    ("pandas_unnamed_index.ACME.csv", "ACME", "1d"),
    ("pandas_range_index.ACME.csv", "ACME", "1m"),
    ("pandas_records.ACME.json", "ACME", "1d"),
    ("pandas_columns.ACME.json", "ACME", "1m"),
    ("pandas_split.ACME.json", "ACME", "1m"),
    ("pandas_lines.ACME.jsonl", "ACME", "1m"),
    ("binance_archive.KLMUSDT-1m-2024-01-02.csv", "KLMUSDT", "1m"),
    ("binance_futures.KLMUSDT-1m-2024-01.csv", "KLMUSDT", "1m"),
    ("binance_api.KLMUSDT-1m.json", "KLMUSDT", "1m"),
    ("cdd.Bitstamp_KLMUSD_1h.csv", "KLM/USD", "1h"),
    ("cdd.Coinbase_KLMUSD_1h.csv", "KLMUSD", "1h"),
    ("cdd.Kraken_KLMUSD_d.csv", "KLM/USD", "1d"),
    ("kraken.XBTUSD_60.csv", "XBTUSD", "1h"),
    ("kraken_api.json", "XKLMZUSD", "1m"),
    ("coinbase_api.KLM-USD.json", "KLM-USD", "1m"),
    ("bitstamp_api.json", "KLM/USD", "1m"),
    ("bybit.json", "KLMUSDT", "1m"),
    ("kucoin.KLM-USDT.json", "KLM-USDT", "1m"),
    ("alpaca_one.json", "ACME", "1m"),
    ("alpaca_py.csv", "ACME", "1m"),
    ("polygon_api.json", "ACME", "1m"),
    ("polygon_flat.2024-01-02.csv", "ACME", "1m"),
    ("databento_pretty.csv", "ACME", "1m"),
    ("databento_raw.csv", "ACME", "1m"),
    ("alpha_vantage_daily.json", "ACME", "1d"),
    ("alpha_vantage_intraday.json", "ACME", "1m"),
    ("alpha_vantage.daily_ACME.csv", "ACME", "1d"),
    ("tiingo_daily.ACME.json", "ACME", "1d"),
    ("tiingo_daily.ACME.csv", "ACME", "1d"),
    ("nasdaq.ACME.csv", "ACME", "1d"),
    ("stooq.acme_us_d.csv", "ACME.US", "1d"),
    ("stooq_bulk.acme.us.txt", "ACME.US", "1d"),
    ("stooq_5min.acme.us.txt", "ACME.US", "5m"),
    ("tradingview.NASDAQ_ACME, 1_0a1b2.csv", "ACME", "1m"),
    ("tradingview_iso.NASDAQ_ACME, 1D.csv", "ACME", "1d"),
    ("mt4.EURUSX1.csv", "EURUSX", "1m"),
    ("mt4_daily.EURUSX1440.csv", "EURUSX", "1d"),
    ("mt5.EURUSX_M1_202401021430_202401021435.csv", "EURUSX", "1m"),
    ("mt5_daily.EURUSX_Daily_202401020000_202401090000.csv", "EURUSX", "1d"),
    ("mt5_python.EURUSX.csv", "EURUSX", "1m"),
    ("ib.ACME.csv", "ACME", "1m"),
    ("ib_old.ACME.csv", "ACME", "1m"),
    ("ib_insync.ACME.csv", "ACME", "1m"),
    ("ib_daily.ACME.csv", "ACME", "1d"),
    ("dukascopy.EURUSX_Candlestick_1_M_BID_02.01.2024-02.01.2024.csv", "EURUSX", "1m"),
    ("dukascopy_local.EURUSX_Candlestick_1_Hour_BID_02.01.2024-02.01.2024.csv", "EURUSX", "1h"),
    ("nse_site.Quote-Equity-ACME-EQ-02-01-2024-to-09-01-2024.csv", "ACME", "1d"),
    ("freqtrade.KLM_USDT-1m.json", "KLM/USDT", "1m"),
    ("backtrader.orcx-1995-2014.txt", "orcx", "1d"),
    ("backtesting.GOOX.csv", "GOOX", "1d"),
    ("backtesting.EURUSX.csv", "EURUSX", "1h"),
    ("finnhub.ACME.json", "ACME", "1m"),
    ("quantmod.ACME.csv", "ACME", "1d"),
    ("barchart.acme_daily_historical-data-download-01-10-2024.csv", "ACME", "1d"),
    ("twelve_data.json", "ACME", "1m"),
    ("eodhd.ACME.US.csv", "ACME.US", "1m"),
    ("eodhd_daily.ACME.US.csv", "ACME.US", "1d"),
    ("ninjatrader.ES 03-24.Last.txt", "ES 03-24", "1m"),
    ("firstrate.ACME_full_1min_adjsplit.txt", "ACME", "1m"),
    ("excel_german.ACME.csv", "ACME", "1d"),
    ("yahoo_site_paste.ACME.txt", "ACME", "1d"),
    ("pandas_json_columns_rangeindex.ACME.json", "ACME", "1d"),
    ("pandas_to_string.ACME.txt", "ACME", "1d"),
    ("pandas_to_markdown.AAPL.md.txt", "AAPL.md", "1d"),
    ("kdb_csv.trade.csv", "ACME", "1m"),
    ("mt4_header.EURUSD60.csv", "EURUSD", "1h"),
    ("jforex_eet.EURUSD_1 Min_Bid_2024.03.11_2024.03.12.csv", "EURUSD", "1m"),
    ("hyperliquid.BTC.json", "BTC", "1m"),
    ("kaggle_btc_float_ts.btcusd_1-min_data.csv", "btcusd", "1m"),
    ("kaggle_bitstamp_old.bitstampUSD_1-min_data_2012-01-01_to_2021-03-31.csv", "bitstampUSD", "1m"),
    ("htx.btcusdt.json", "btcusdt", "1m"),
    ("upbit.KRW-BTC.json", "KRW-BTC", "1m"),
    ("coinapi_csv.BITSTAMP_SPOT_BTC_USD_1MIN.csv", "BITSTAMP_SPOT_BTC_USD", "1m"),
    ("cmc.Bitcoin_1_1_2024-3_1_2024_historical_data_coinmarketcap.csv", "Bitcoin", "1d"),
    ("dydx.BTC-USD.json", "BTC-USD", "1m"),
    ("alpaca_ws.alpaca.jsonl", "ACME", "1m"),
    ("db_json_raw.x.json", "ACME", "1m"),
    ("ib_ny_named.ACME.csv", "ACME", "1m"),
    ("quandl_json.x.json", "ACME", "1d"),
    ("nse_index.NIFTY 50-11-03-2024-to-22-03-2024.csv", "NIFTY 50", "1d"),
    ("date_and_timestamp_clock.RELIANCE.csv", "RELIANCE", "1m"),
    ("baostock_5m.k.csv", "sh.600000", "5m"),
    ("tdx_gbk.SH#600519.txt", "SH#600519", "1d"),
    ("netease_gbk.600519.csv", "600519", "1d"),
    ("krx_euckr.005930.csv", "005930", "1d"),
    ("kabuoji_sjis.7203.csv", "7203", "1d"),
    ("finmind.TaiwanStockPrice.csv", "2330", "1d"),
    ("moex_history.hist.json", "SBER", "1d"),
    ("ariva.wkn_865985_historic.csv", "wkn_865985", "1d"),
    ("boursorama.ACME_2024-03-22.txt", "ACME", "1d"),
    ("euronext.FR0000120271-XPAR_historical_price.csv", "FR0000120271-XPAR", "1d"),
    ("brazil_rs.PETR4.csv", "PETR4", "1d"),
    ("excel_de_sep.BMW.csv", "BMW", "1d"),
    ("datascope.dss.csv", "ACME.O", "1m"),
    ("bloomberg.ACME.csv", "ACME", "1d"),
    ("bloomberg_ticker.bdh.csv", "ACME US Equity", "1d"),
    ("firstrate_fut.ES_full_1min_continuous_ratio_adjusted.txt", "ES", "1m"),
    ("amibroker_format.amibroker.txt", "ACME", "1m"),
    ("metastock_ascii.ACME.txt", "ACME", "1m"),
    ("fxcmpy.EURUSD.csv", "EURUSD", "1m"),
]


@pytest.mark.parametrize(("name", "symbol", "timeframe"), ONE_SYMBOL, ids=[row[0] for row in ONE_SYMBOL])
def test_a_vendors_file_is_read_without_options(vendor_file, name, symbol, timeframe):
    assert bars_of(vendor_file(name)) == expected(symbol, timeframe)


SEVERAL = [
    ("yahoo_several.data.csv", "1d"),
    ("yahoo_by_ticker.data.csv", "1d"),
    ("yahoo_several_old.data.csv", "1d"),
    ("alpaca_api.json", "1m"),
    ("kaggle_all_stocks.csv", "1d"),
    ("pandas_json_split_multi.prices.json", "1d"),
    ("pandas_json_columns_multi_tuple.prices.json", "1d"),
]


@pytest.mark.parametrize(("name", "timeframe"), SEVERAL, ids=[row[0] for row in SEVERAL])
def test_a_file_of_several_symbols_is_read_without_options(vendor_file, name, timeframe):
    bars = bars_of(vendor_file(name))

    for symbol in ("AAX", "BBX"):
        assert [bar for bar in bars if bar["symbol"] == symbol] == expected(symbol, timeframe)
    assert len(bars) == 12


@pytest.mark.parametrize("name", ["histdata.DAT_ASCII_EURUSX_M1_202401.csv", "histdata_mt.DAT_MT_EURUSX_M1_202401.csv"])
def test_histdatas_times_are_est_and_its_volumes_unknown(vendor_file, name):
    assert bars_of(vendor_file(name)) == expected("EURUSX", "1m", volume=False)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("investing.Kelp Futures Historical Data.csv", "Kelp Futures"),
        ("investing_german.Kelp Historische Daten.csv", "Kelp"),
        ("investing_es.ACME Datos históricos.csv", "ACME"),
        ("investing_tr.THYAO Geçmiş Verileri.csv", "THYAO"),
        ("investing_pt.PETR4 Dados Históricos.csv", "PETR4"),
        ("investing_nl.ASML Historische Gegevens.csv", "ASML"),
        ("investing_pl.PKN Dane Historyczne.csv", "PKN"),
        ("investing_sv.VOLVb Historiska data.csv", "VOLVb"),
        ("investing_ru.Прошлые данные - SBER.csv", "SBER"),
        ("investing_ja.7203 過去データ.csv", "7203"),
        ("investing_ko.005930 과거 데이터.csv", "005930"),
        ("investing_cn.600519历史数据.csv", "600519"),
        ("investing_ru_cp1251.Прошлые данные - SBER.csv", "SBER"),
    ],
)
def test_investings_thousands_and_units_are_read(vendor_file, name, symbol):
    assert bars_of(vendor_file(name)) == expected(symbol, "1d", add=3000.0)


def test_binances_microseconds_of_2025_are_read(vendor_file):
    times = [moment.replace(year=2025) for moment in MINUTES]

    bars = bars_of(vendor_file("binance_archive_us.KLMUSDT-1m-2025-01-02.csv"))

    assert bars == expected("KLMUSDT", "1m", times=times)


@pytest.mark.parametrize(
    "name",
    [
        "nse.cm02JAN2024bhav.csv",
        "nse_udiff.BhavCopy_NSE_CM_0_0_0_20240102_F_0000.csv",
        "nse_full.sec_bhavdata_full_02012024.csv",
    ],
)
def test_nses_daily_files_are_read(vendor_file, name):
    assert bars_of(vendor_file(name))[:1] == expected("A&B", "1d")[:1]


def test_nses_other_series_of_a_company_are_symbols_of_their_own(vendor_file):
    (feed,) = open_feeds(vendor_file("nse.cm02JAN2024bhav.csv"))

    assert [bar["symbol"] for _, bar in feed.items] == ["A&B", "A&B-N1"]
    assert feed.plan.symbols == ("A&B", "A&B-N1")


def test_a_bar_that_says_whether_it_is_closed_says_so_on(vendor_file):
    bars = bars_of(vendor_file("oanda.json"))

    assert bars == [bar | {"closed": True} for bar in expected("EUR_USX", "1m")]


def test_binances_stream_is_read_with_what_it_says_of_the_bars_ends(vendor_file):
    bars = bars_of(vendor_file("binance_ws_lines.stream.jsonl"))

    assert bars == [bar | {"closed": True} for bar in expected("BTCUSDT", "1m")]


@pytest.mark.parametrize("name", ["backtrader_day.2006-day-001.txt", "backtrader_min.2006-min-001.txt"])
def test_backtraders_numbered_samples_need_a_symbol(vendor_file, name):
    path = vendor_file(name)

    with pytest.raises(FeedError, match=r"no symbol.*--symbol"):
        open_feeds(path)

    assert bars_of(path, symbol="ACME") == expected("ACME", "1d" if "day" in name else "1m")


# --- forms that are not text


def naive(times):
    return pa.array([moment.replace(tzinfo=None) for moment in times], pa.timestamp("ns"))


@pytest.mark.parametrize(
    "index",
    [
        pytest.param("__index_level_0__", id="an index without a name"),
        pytest.param("Date", id="an index with a name"),
        pytest.param("index", id="reset_index"),
    ],
)
@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_pandas_binary_forms_are_read(tmp_path, index, suffix):
    table = pa.table(
        {name.title(): values for name, values in PRICES.items()} | {"Volume": VOLUMES, index: naive(DAYS)}
    )
    path = tmp_path / f"ACME.{suffix}"
    pq.write_table(table, path) if suffix == "parquet" else pyarrow.feather.write_feather(table, path)

    assert bars_of(path) == expected("ACME", "1d")


def test_yfinances_parquet_of_several_tickers_is_read(tmp_path):
    columns = {f"('{name.title()}', '{symbol}')": PRICES[name] for symbol in ("AAX", "BBX") for name in PRICES}
    columns |= {f"('Volume', '{symbol}')": VOLUMES for symbol in ("AAX", "BBX")}
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table(columns | {"Date": naive(DAYS)}), path)

    bars = bars_of(path)

    assert [bar for bar in bars if bar["symbol"] == "BBX"] == expected("BBX", "1d")
    assert len(bars) == 12


def test_freqtrades_feather_is_read(tmp_path):
    path = tmp_path / "KLM_USDT_USDT-1m-futures.feather"
    stamps = pa.array(MINUTES, pa.timestamp("ms", tz="UTC"))
    pyarrow.feather.write_feather(pa.table({"date": stamps} | PRICES | {"volume": VOLUMES}), path)

    assert bars_of(path) == expected("KLM/USDT:USDT", "1m")


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_binances_zip_is_read(tmp_path):
    name = "KLMUSDT-1m-2024-01-02"
    content = (VENDORS / f"binance_archive.{name}.csv").read_text()

    assert bars_of(zipped(tmp_path / f"{name}.zip", {f"{name}.csv": content})) == expected("KLMUSDT", "1m")


def lean(prices, first):
    rows = zip(first, *([round(value * 10_000) for value in prices[name]] for name in PRICES), VOLUMES, strict=True)
    return "\n".join(",".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows)


def test_leans_daily_zip_is_read(tmp_path):
    content = lean(PRICES, [f"{day:%Y%m%d %H:%M}" for day in DAYS])

    assert bars_of(zipped(tmp_path / "acme.zip", {"acme.csv": content})) == expected("acme", "1d")


def test_leans_minute_zip_is_read_milliseconds_of_a_new_york_day(tmp_path):
    since = [int((9.5 * 60 + minute) * 60_000) for minute in range(6)]
    path = zipped(tmp_path / "20240102_trade.zip", {"20240102_acme_minute_trade.csv": lean(PRICES, since)})

    assert bars_of(path) == expected("ACME", "1m")


def test_leans_hourly_zip_is_read_in_new_york(tmp_path):
    content = lean(PRICES, [f"{hour - timedelta(hours=5):%Y%m%d %H:%M}" for hour in HOURS])

    assert bars_of(zipped(tmp_path / "acme.zip", {"acme.csv": content})) == expected("acme", "1h")


def test_histdatas_zip_is_read_without_its_report(tmp_path):
    name = "DAT_MT_EURUSX_M1_202401"
    content = (VENDORS / f"histdata_mt.{name}.csv").read_text()
    path = zipped(tmp_path / "HISTDATA_COM_MT.zip", {f"{name}.csv": content, f"{name}.txt": "Gap of 61s found"})

    assert bars_of(path) == expected("EURUSX", "1m", volume=False)


def test_the_members_of_an_archive_are_feeds_of_their_own(tmp_path):
    members = {f"prices/{name}.csv": (VENDORS / "backtesting.GOOX.csv").read_text() for name in ("AAX", "BBX")}
    path = zipped(tmp_path / "all.zip", members | {"prices/README.md": "x", "__MACOSX/._AAX.csv": "x"})

    feeds = open_feeds(path)

    assert [feed.name for feed in feeds] == [f"{path}:prices/AAX.csv", f"{path}:prices/BBX.csv"]
    # Read in turn: the members share one temporary file.
    walks = [feed.items for feed in feeds]
    pairs = [[next(walk)[1] for walk in walks] for _ in range(6)]
    assert [pair[0] for pair in pairs] == expected("AAX", "1d")
    assert [pair[1] for pair in pairs] == expected("BBX", "1d")


def test_an_option_takes_one_symbol_of_an_archive_and_mixes_none(tmp_path, vendor_file):
    content = (VENDORS / "backtesting.GOOX.csv").read_text()
    several = zipped(tmp_path / "all.zip", {"AAX.csv": content, "BBX.csv": content})
    days = zipped(tmp_path / "days.zip", {"2024-01-02.csv": content})

    assert bars_of(several, symbol="bbx") == expected("bbx", "1d")
    assert bars_of(days, symbol="ACME") == expected("ACME", "1d")
    with pytest.raises(FeedError, match="--symbol ACME would mix what is of AAX, BBX"):
        open_feeds(several, Options(symbol="ACME"))
    assert bars_of(vendor_file("alpaca_api.json"), symbol="BBX") == expected("BBX", "1m")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(lambda rows: [{"ticker": name, "priceData": rows} for name in NAMES], id="Tiingo's crypto"),
        pytest.param(lambda rows: {"AAX": {"candles": rows}, "BBX": {"candles": rows}}, id="by symbol"),
        pytest.param(lambda rows: {name: columns(rows) for name in NAMES}, id="columns by symbol"),
        pytest.param(lambda rows: {name: split(rows) for name in NAMES}, id="names and rows apart"),
        pytest.param(lambda rows: {name: frame(rows) for name in NAMES}, id="data frames by columns"),
        pytest.param(
            lambda rows: {"result": [{"meta": {"symbol": name}, "bars": columns(rows)} for name in NAMES]},
            id="columns in an array",
        ),
        pytest.param(lambda rows: [row | {"symbol": name} for name in NAMES for row in rows], id="in each bar"),
        pytest.param(
            lambda rows: {"data": [row | {"symbol": name, "tags": ["x"]} for name in NAMES for row in rows]},
            id="with arrays in bars",
        ),
    ],
)
def test_json_of_several_symbols_is_not_mixed(tmp_path, document):
    rows = [
        {"date": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "volume": VOLUMES[at]} | {name: PRICES[name][at] for name in PRICES}
        for at, moment in enumerate(MINUTES)
    ]
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(document(rows)))

    bars = bars_of(path)

    for symbol in ("AAX", "BBX"):
        assert [bar for bar in bars if bar["symbol"] == symbol] == expected(symbol, "1m")
    assert len(bars) == 12


def split(rows):
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


def frame(rows):
    return {key: {row["date"]: row[key] for row in rows} for key in rows[0] if key != "date"}


def columns(rows):
    return {key: [row[key] for row in rows] for key in rows[0]}


def test_polygons_day_of_all_tickers_is_read(tmp_path):
    rows = [
        {"T": symbol, "v": 1000, "vw": 1, "o": 100, "c": 100.5, "h": 101.5, "l": 99.25, "t": 1704171600000, "n": 1}
        for symbol in ("AAX", "BBX")
    ]
    path = tmp_path / "grouped.json"
    path.write_text(json.dumps({"queryCount": 2, "results": rows, "status": "OK"}))

    bars = bars_of(path, timeframe="1d")

    assert [(bar["symbol"], bar["close"]) for bar in bars] == [("AAX", 100.5), ("BBX", 100.5)]


def test_polygons_flat_file_of_a_day_is_read(tmp_path):
    rows = "".join(f"{name},1000,100,100.5,101.5,99.25,1704171600000000000,9\n" for name in NAMES)
    path = tmp_path / "2024-01-02.csv"
    path.write_text("ticker,volume,open,close,high,low,window_start,transactions\n" + rows)

    moment = datetime(2024, 1, 2, 5, tzinfo=UTC)
    assert bars_of(path) == [bar | {"timestamp": moment} for name in NAMES for bar in expected(name, "1d")[:1]]


def test_standard_input_is_read(monkeypatch):
    content = (VENDORS / "nasdaq.ACME.csv").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert bars_of(Path("-"), symbol="ACME") == expected("ACME", "1d")


def test_every_vendors_file_is_tested():
    source = Path(__file__).read_text()

    assert [path.name for path in VENDORS.iterdir() if path.name not in source] == []
