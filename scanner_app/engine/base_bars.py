"""What the derived bars of a symbol are made of: its base bars, its calendar, and how far its series are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain.aggregation import DerivedBar, Period, Row, aggregate, period_of, period_stamped
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import RANK
from scanner_app.domain.trading_hours import Hours
from scanner_app.engine.retention import oldest_bar
from scanner_app.mailbox import NewBar, sql_derived
from scanner_app.mailbox.derived import Made
from scanner_app.models import Bar, DerivedSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides which bars of a symbol are made."""

    symbol_id: int
    ticker: str
    base: str  # the smallest timeframe that it is fed
    newest: Mapping[str, datetime]  # by timeframe, the newest bar known
    series: Mapping[str, DerivedSeries]  # by timeframe
    hours: Hours
    oldest: datetime | None  # base bars that open before may be gone

    def period(self, timestamp: datetime, timeframe: str) -> Period | None:
        """The period that a base bar belongs to; None outside of the sessions."""
        return period_of(timestamp, base=self.base, timeframe=timeframe, hours=self.hours)

    def open_period(self, timeframe: str) -> Period | None:
        """The period whose bar is not made yet."""
        series = self.series.get(timeframe)
        return None if series is None or series.open_at is None else self.period(series.open_at, timeframe)

    def last_period(self, timeframe: str) -> Period | None:
        """The newest period whose bar is made, or to be made."""
        newest, open_now = self.newest.get(timeframe), self.open_period(timeframe)
        if open_now is not None or newest is None:
            return open_now
        return period_stamped(newest, base=self.base, timeframe=timeframe, hours=self.hours)

    def has_ended(self, timeframe: str) -> bool:
        """Whether bars of this timeframe come from outside now."""
        series = self.series.get(timeframe)
        return series is not None and series.ended_at is not None

    def is_whole(self, period: Period) -> bool:
        """Whether retention has left all of its base bars."""
        return self.oldest is None or period.begin >= self.oldest


def facts_of(symbol_id: int, now: datetime) -> Facts | None:
    """None if the symbol has no bars, or does not exist any more."""
    found = sql_derived.read_symbol(symbol_id)
    if found is None or not found[2]:
        return None
    ticker, own, newest = found
    return Facts(
        symbol_id=symbol_id,
        ticker=ticker,
        # Derived timeframes are among them, but each is longer than the one that it is made from.
        base=min(newest, key=RANK.__getitem__),
        newest={timeframe: datetime.fromisoformat(text) for timeframe, text in newest.items()},
        series=sql_derived.series_of(symbol_id),
        hours=hours_of(calendar_of(ticker, own), now),
        oldest=oldest_bar(now),
    )


def base_bars(facts: Facts) -> QuerySet[Bar]:
    """The processed base bars."""
    return Bar.objects.filter(symbol_id=facts.symbol_id, timeframe=facts.base, status=BarStatus.PROCESSED)


def rows_between(facts: Facts, first: datetime, end: datetime, *, most: int | None = None) -> Sequence[Row]:
    """The processed base bars from `first` up to `end`, oldest first."""
    bars = base_bars(facts).filter(timestamp__gte=first, timestamp__lt=end)
    return list(bars.order_by("timestamp").values_list("timestamp", *VALUES)[:most])


def made_from(facts: Facts, timeframe: str, periods: Sequence[Period], rows: Sequence[Row]) -> list[Made]:
    """The bars of these periods, made from base bars, oldest first; none for a period without base bars."""
    bars = aggregate(rows, base=facts.base, timeframe=timeframe, hours=facts.hours)
    return made_of(facts, timeframe, [one for one in bars if one.period in periods])


def made_of(facts: Facts, timeframe: str, bars: Sequence[DerivedBar]) -> list[Made]:
    """The same as bars that can be accepted. Those of periods that retention has cut are left out."""
    return [
        Made(
            bar=NewBar(
                symbol=facts.ticker,
                timeframe=timeframe,
                timestamp=one.period.timestamp,
                **values_of(one),
                derived=True,
                closed=True,
            ),
            begin=one.period.begin,
            end=one.period.end,
            after=one.period.after,
        )
        for one in bars
        if facts.is_whole(one.period)
    ]
