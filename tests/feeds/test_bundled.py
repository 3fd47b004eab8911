"""The bundled series are real, sound and as SOURCES.md says."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import numpy as np
import pytest

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine import gaps
from scanner_app.feeds.bundled import load_series, market_of, too_old

SERIES = load_series()
EACH = pytest.mark.parametrize("series", SERIES, ids=lambda series: series.symbol)
DATA = files("scanner_app.data")


def test_there_are_twenty_series_of_different_symbols_ordered_by_symbol():
    symbols = [series.symbol for series in SERIES]

    assert len(symbols) == 20
    assert symbols == sorted(set(symbols))


@EACH
def test_a_series_has_columns_of_one_length_and_a_known_timeframe(series):
    lengths = {len(getattr(series, name)) for name in ("timestamps", "open", "high", "low", "close", "volume")}

    assert lengths == {len(series)}
    assert 100 <= len(series) <= 3_300
    assert series.timeframe in TIMEFRAMES
    assert series.timestamps.dtype == "datetime64[us]"


@EACH
def test_a_series_is_in_strict_order_of_time_and_on_its_timeframes_grid(series):
    grid = {"1d": "D", "1h": "h"}[series.timeframe]

    assert (np.diff(series.timestamps) > np.timedelta64(0)).all()
    assert (series.timestamps == series.timestamps.astype(f"datetime64[{grid}]")).all()


@EACH
def test_every_bar_has_finite_positive_prices_in_order(series):
    assert all(np.isfinite(prices).all() for prices in (series.open, series.high, series.low, series.close))
    assert (series.low > 0).all()
    assert (series.low <= np.minimum(series.open, series.close)).all()
    assert (series.high >= np.maximum(series.open, series.close)).all()


@EACH
def test_nearly_every_bar_has_a_volume_and_none_a_negative_one(series):
    assert np.isfinite(series.volume).all()
    assert (series.volume >= 0).all()
    assert (series.volume > 0).mean() > 0.998


@pytest.mark.parametrize(
    ("symbol", "moment", "prices"),
    [
        # From the packages' own first and last lines, read by eye.
        pytest.param("AAPL", "2000-03-01", (118.56, 132.06, 118.5, 130.31, 9_616_100), id="bokeh-sampledata"),
        pytest.param("EURUSD", "2017-12-29T21", (1.19984, 1.2013, 1.19931, 1.20075, 4_885_529_785), id="gym"),
        pytest.param("005930", "2024-12-06", (53_900, 54_400, 52_700, 54_100, 22_861_874), id="seolpyo"),
    ],
)
def test_a_bar_has_the_values_of_its_source(symbol, moment, prices):
    series = next(each for each in SERIES if each.symbol == symbol)
    (place,) = np.flatnonzero(series.timestamps == np.datetime64(moment))

    columns = (series.open, series.high, series.low, series.close, series.volume)
    assert tuple(column[place] for column in columns) == prices


@EACH
def test_the_table_of_sources_tells_the_series_range_and_number_of_bars(series):
    first, last = (str(series.timestamps[place].astype("datetime64[D]")) for place in (0, -1))
    row = f"| {series.symbol} | {series.timeframe} | {len(series)} | {first} | {last} |"

    assert row in DATA.joinpath("SOURCES.md").read_text(encoding="utf-8")


def test_each_package_that_data_comes_from_has_its_licence_beside_the_data():
    text = DATA.joinpath("SOURCES.md").read_text(encoding="utf-8")
    present = {f"licences/{each.name}" for each in DATA.joinpath("licences").iterdir()}

    assert {word for word in text.split("`") if word.startswith("licences/")} == present
    assert len(present) == 5


def test_the_file_is_small_enough_to_ship():
    assert len(DATA.joinpath("bars.parquet").read_bytes()) < 1_500_000


def test_by_its_markets_calendar_a_bundled_series_has_only_the_gaps_that_it_really_has():
    now = datetime(2026, 3, 3, tzinfo=UTC)
    found = {}
    for each in load_series():
        rows = [(time.replace(tzinfo=UTC), 0) for time in each.timestamps.tolist()[-500:]]
        hours = hours_of(calendar_of(each.symbol, market_of(each.symbol)), now)
        found[each.symbol] = [str(gap.start.date()) for gap in gaps.find(rows, each.timeframe, hours)]

    philippine = {symbol: found.pop(symbol) for symbol in list(found) if symbol.startswith("PSE:")}
    # A volcano, a lockdown, a typhoon: no calendar knew of them before.
    assert set(map(tuple, philippine.values())) == {("2020-01-11", "2020-03-17", "2020-11-12")}
    assert len(found.pop("EURUSD")) == 5, "its weeks end on Friday at 22:00, not at midnight"
    assert set(map(tuple, found.values())) == {()}


@pytest.mark.parametrize(
    ("oldest", "said"),
    [
        pytest.param(None, "", id="kept for ever"),
        pytest.param(datetime(1990, 1, 1, tzinfo=UTC), "", id="kept for long"),
        pytest.param(
            datetime(2026, 1, 1, tzinfo=UTC),
            f"The demo has nothing to show: all {sum(map(len, SERIES)):,} bundled bars are older than "
            "SCANNER_KEEP_BARS_DAYS=30 keeps; 0 keeps all.",
            id="all too old",
        ),
    ],
)
def test_what_retention_makes_of_the_demo_is_said_in_a_sentence(oldest, said):
    assert too_old(SERIES, oldest, days=30) == said


def test_the_edge_of_retention_is_ingests_own():
    series = [each for each in SERIES if each.symbol == "FB"]
    second = series[0].timestamps[1].item().replace(tzinfo=UTC)

    assert too_old(series, second, days=1).startswith("1 of 196 bundled bars are older than SCANNER_KEEP_BARS_DAYS=1 ")
    assert too_old(series, second + timedelta(microseconds=1), days=1).startswith("2 of ")
