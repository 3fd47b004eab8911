"""Bars that are not closed: find them among those that come, keep their newest values, and show these.

A forming bar gets no number and is in no window. Its first values go to the database, and all values to the broker;
every ten seconds the upkeep worker takes what is newer from there (engine/assuming.py). So ticks cost the bars nothing,
and a broker that loses all it has loses ten seconds of them. While it is away they go to the database, every time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from redis.exceptions import RedisError

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain import closing
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.timeframes import RANK
from scanner_app.domain.trading_hours import Hours
from scanner_app.mailbox import NewBar, Verdict
from scanner_app.mailbox.statements import run_many, to_database
from scanner_app.messaging import forming as newest_values
from scanner_app.messaging.forming import FormingValues, Period
from scanner_app.models import FormingBar, Symbol

MOST = 1_000
"""Forming bars of one symbol; further ones find its backlog full. A feed of `1s` bars that never says that one is
closed has some seventy, by the default settings."""

_STORE_NEWER = """
    UPDATE scanner_app_formingbar
       SET timestamp = %s, open = %s, high = %s, low = %s, close = %s, volume = %s, sent_at = %s
     WHERE id = %s AND sent_at < %s
"""

COLUMNS = ("timestamp", *VALUES, "sent_at")
"""What a row has beside its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forming:
    """A forming bar as it is shown. The names are the API's, which does not have the end."""

    timeframe: str
    ends_at: datetime
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A forming bar as it is kept, with what decides whether it still is one."""

    row: int  # its key in the database
    period: Period
    values: FormingValues
    stored: FormingValues  # those in the database
    ticker: str
    hours: Callable[[], Hours]
    newest: Mapping[str, str]  # by timeframe, the ISO time of the symbol's newest closed bar

    @property
    def ends_at(self) -> datetime:
        """When its period is over, by the calendar that its symbol has now."""
        return closing.period_end(self.period.timeframe, self.values.timestamp, self.hours())

    @property
    def place(self) -> tuple[datetime, datetime]:
        """Its place in its series. After a change of calendar, one bar may be here twice: the newer values count."""
        return self.ends_at, self.values.sent_at

    @property
    def newest_end(self) -> datetime | None:
        """When the newest closed bar of its series ended; None without one."""
        return _end_of_newest(self.newest, self.period.timeframe, self.hours())


def split(
    bars: Sequence[tuple[int, NewBar]], *, now: datetime
) -> tuple[list[tuple[int, NewBar]], list[tuple[int, NewBar]]]:
    """The closed and the forming ones of some bars (with their indexes), in their order.

    No query and no calendar if all of them are closed in every calendar, as history is.
    """
    by = now + timedelta(seconds=settings.SCANNER_CLOSE_TOLERANCE_S)
    unsure = {
        bar.symbol for _, bar in bars if not closing.is_surely_closed(bar.timeframe, bar.timestamp, bar.closed, by=by)
    }
    if not unsure:
        return list(bars), []
    hours = {ticker: partial(hours_of, calendar, now) for ticker, calendar in _calendars(unsure)}
    parts: tuple[list[tuple[int, NewBar]], list[tuple[int, NewBar]]] = ([], [])
    for index, bar in bars:
        closed = bar.symbol not in unsure or closing.is_closed(
            bar.timeframe, bar.timestamp, bar.closed, hours=hours[bar.symbol], by=by
        )
        parts[0 if closed else 1].append((index, bar))
    return parts


def keep(bars: Sequence[NewBar], *, now: datetime) -> list[Verdict]:
    """Keep the values of forming bars, the newest ones last; returns a verdict for each.

    A bar that is not newer than the newest closed one of its series is ignored. A broker that is away costs a write to
    the database, and is no error.
    """
    if not bars:
        return []
    symbols = {symbol.ticker: symbol for symbol in _symbols({bar.symbol for bar in bars})}
    verdicts, values, places = [], {}, {}
    for place, bar in enumerate(bars):
        symbol = symbols.get(bar.symbol)
        if symbol is None or symbol.deleted_at is not None:
            verdicts.append(Verdict.UNKNOWN_SYMBOL if symbol is None else Verdict.DELETED)
            continue
        verdicts.append(Verdict.FORMING)
        hours = hours_of(calendar_of(symbol.ticker, symbol.calendar), now)
        ends_at = closing.period_end(bar.timeframe, bar.timestamp, hours)
        closed_until = _end_of_newest(symbol.status.newest, bar.timeframe, hours)
        if closed_until is None or ends_at > closed_until:
            period = Period(symbol.pk, bar.timeframe, ends_at)
            values[period] = _values_of(bar, now)
            places[period] = place
    for period in _store(values):
        verdicts[places[period]] = Verdict.BACKLOG_FULL
    return verdicts


def of_symbol(symbol: Symbol, now: datetime) -> list[Forming]:
    """A symbol's forming bars, the newest of each timeframe, the shortest first. Its status need not be loaded."""
    return _shown(kept(FormingBar.objects.filter(symbol=symbol), now=now)).get(symbol.pk, [])


def of_all(now: datetime) -> dict[int, list[Forming]]:
    """The same of all symbols that have some, by symbol id. One query, and one question to the broker."""
    return _shown(kept(FormingBar.objects.filter(symbol__deleted_at=None), now=now))


def kept(rows: QuerySet[FormingBar], *, now: datetime, may_be_old: bool = True) -> list[Kept]:
    """The forming bars of these rows with their newest values.

    If the broker does not answer, the values are those of the database, which are some seconds old; RedisError unless
    they `may_be_old`.
    """
    found = [_Row._make(row) for row in rows.values_list(*_Row._fields)]
    periods = [Period(row.symbol_id, row.timeframe, row.ends_at) for row in found]
    try:
        newer = newest_values.read(periods)
    except RedisError:
        if not may_be_old:
            raise
        newer = {}
    return [_kept(row, period, newer.get(period), now) for row, period in zip(found, periods, strict=True)]


def store_newer(bars: Sequence[Kept]) -> None:
    """Store the broker's values of bars that are in the database, unless it has newer ones by now.

    They are some moments old: meanwhile a broker that is away may have made somebody write newer ones.
    """
    run_many(
        _STORE_NEWER,
        [
            (
                to_database(one.values.timestamp),
                *values_of(one.values).values(),
                to_database(one.values.sent_at),
                one.row,
                to_database(one.values.sent_at),
            )
            for one in sorted(bars, key=lambda one: one.period)  # so that two runs cannot wait for each other
        ],
    )


def forget(bars: Sequence[Kept]) -> None:
    """Forget bars that are forming no more. Raises RedisError, with nothing forgotten in the database."""
    # The broker first: of a bar that it has, `_store` takes it for granted that the database has it too.
    newest_values.remove(one.period for one in bars)
    FormingBar.objects.filter(pk__in=[one.row for one in bars]).delete()


class _Row(NamedTuple):
    """What is read of a row."""

    pk: int
    symbol_id: int
    timeframe: str
    ends_at: datetime
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    sent_at: datetime
    symbol__ticker: str
    symbol__calendar: str
    symbol__status__newest: dict[str, str]


def _kept(row: _Row, period: Period, newer: FormingValues | None, now: datetime) -> Kept:
    stored = FormingValues(**{name: getattr(row, name) for name in COLUMNS})
    return Kept(
        row=row.pk,
        period=period,
        # Of values of one moment the broker's are those that were written last.
        values=newer if newer is not None and newer.sent_at >= stored.sent_at else stored,
        stored=stored,
        ticker=row.symbol__ticker,
        hours=partial(hours_of, calendar_of(row.symbol__ticker, row.symbol__calendar), now),
        newest=row.symbol__status__newest,
    )


def _store(values: Mapping[Period, FormingValues]) -> set[Period]:
    """Keep the values; returns those of symbols that have too many already."""
    if not values:
        return set()
    try:
        known = set(newest_values.read(values))
    except RedisError:
        known = set()
    new = [period for period in values if period not in known]
    refused = _too_many(new)
    wanted = {period: one for period, one in values.items() if period not in refused}
    _store_all({period: values[period] for period in new if period not in refused})
    try:
        newest_values.write(wanted)
    except RedisError:
        _store_all({period: one for period, one in wanted.items() if period in known})
    return refused


def _store_all(values: Mapping[Period, FormingValues]) -> None:
    """Store values in the database, over older ones."""
    # In one order, so that two calls with the same bars cannot wait for each other.
    rows = [_row(period, values[period]) for period in sorted(values)]
    FormingBar.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["symbol", "timeframe", "ends_at"], update_fields=COLUMNS
    )


def _too_many(new: Sequence[Period]) -> set[Period]:
    """The bars beyond MOST of their symbol."""
    if not new:
        return set()
    rows = FormingBar.objects.filter(symbol_id__in={period.symbol_id for period in new})
    stored = {Period._make(row) for row in rows.values_list("symbol_id", "timeframe", "ends_at")}
    counts = Counter(period.symbol_id for period in stored)
    refused = set()
    for period in new:
        counts[period.symbol_id] += period not in stored
        if period not in stored and counts[period.symbol_id] > MOST:
            refused.add(period)
    return refused


def _shown(bars: Iterable[Kept]) -> dict[int, list[Forming]]:
    """Of each series the newest bar, unless a closed one has come."""
    newest: dict[tuple[int, str], Kept] = {}
    for one in bars:
        series = one.period[:2]
        if series not in newest or one.place > newest[series].place:
            newest[series] = one
    found: dict[int, list[Forming]] = {}
    for one in sorted(newest.values(), key=lambda one: RANK[one.period.timeframe]):
        closed_until = one.newest_end
        if closed_until is None or one.ends_at > closed_until:
            found.setdefault(one.period.symbol_id, []).append(
                Forming(
                    timeframe=one.period.timeframe,
                    ends_at=one.ends_at,
                    timestamp=one.values.timestamp,
                    **values_of(one.values),
                )
            )
    return found


def _end_of_newest(newest: Mapping[str, str], timeframe: str, hours: Hours) -> datetime | None:
    text = newest.get(timeframe)
    return None if text is None else closing.period_end(timeframe, datetime.fromisoformat(text), hours)


def _values_of(bar: NewBar, now: datetime) -> FormingValues:
    return FormingValues(timestamp=bar.timestamp, **values_of(bar), sent_at=now)


def _row(period: Period, values: FormingValues) -> FormingBar:
    return FormingBar(**period._asdict(), **asdict(values))


def _symbols(tickers: set[str]) -> QuerySet[Symbol]:
    rows = Symbol.objects.filter(ticker__in=tickers).select_related("status").order_by()
    return rows.only("ticker", "calendar", "deleted_at", "status__newest")


def _calendars(tickers: set[str]) -> list[tuple[str, str]]:
    own = dict(Symbol.objects.filter(ticker__in=tickers).order_by().values_list("ticker", "calendar"))
    # A symbol that is not known yet has no calendar of its own either.
    return [(ticker, calendar_of(ticker, own.get(ticker, ""))) for ticker in tickers]
