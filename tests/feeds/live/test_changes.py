"""What changes while a feed runs: its series, the scanner's health, who runs it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.domain.enums import FeedState, GapCause, GapState
from scanner_app.domain.feed_entries import Series, parse_entry
from scanner_app.engine import ingest
from scanner_app.feeds.demo_venue.faults import FaultKind
from scanner_app.feeds.live import stored
from scanner_app.feeds.live.acts import Phase
from scanner_app.feeds.live.intake import Intake
from scanner_app.feeds.live.runner import LeaseLost
from scanner_app.feeds.live.stored import Configured
from scanner_app.messaging import live_feeds
from scanner_app.models import Bar, Feed, Gap, Symbol, VenueTicker
from tests import loops
from tests.feeds.live.story import START_MS, Fault, Story, check, quick  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_server", "quick")]


def entry(text: str) -> Sequence[Configured]:
    return [Configured(name="binance", entry=parse_entry("binance", text))]


def test_a_symbol_that_is_added_is_fed_and_one_that_is_removed_is_not() -> None:
    wanted = [entry("BTCUSDT@1m")]
    story = Story(symbols=("BTCUSDT", "ETHUSDT"), bars=10, changed=lambda: wanted[0])

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(2)
            wanted[0] = entry("ETHUSDT@1m")
            await story.until(lambda: story.venue.streams == {"ethusdt@kline_1m"}, "the stream has changed")
            await story.joined()
            await story.play(3)

    loops.run(run())

    def of(ticker: str) -> int:
        return Bar.objects.filter(symbol__ticker=ticker, timestamp__gte=_time(START_MS)).count()

    assert of("BTCUSDT") == 2
    assert of("ETHUSDT") == 5


def test_feeds_that_are_many_series_have_several_connections() -> None:
    symbols = [f"S{number:02}USDT" for number in range(12)]
    story = Story(symbols=symbols, before=30, bars=4, traits={"series_a_connection": 5, "series_a_message": 2})

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(2)
            assert len(story.venue._clients) == 3

    loops.run(run())

    check(story)


def test_our_ticker_may_differ_from_the_venue_s_name() -> None:
    VenueTicker.objects.create(venue="binance", ticker="ETHER", name="ETHUSDT")
    story = Story(symbols=("BTCUSDT", "ETHUSDT"), bars=4, changed=lambda: entry("BTC/USDT,ETHER@1m"))

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(2)

    loops.run(run())

    assert {"BTC/USDT", "ETHER"} == set(Symbol.objects.values_list("ticker", flat=True))
    assert Bar.objects.filter(symbol__ticker="ETHER", timestamp__gte=_time(START_MS)).count() == 2


def test_a_symbol_that_the_venue_does_not_have_is_refused_and_disturbs_no_other() -> None:
    story = Story(symbols=("BTCUSDT",), bars=5, changed=lambda: entry("BTCUSDT,NOSUCH@1m"))

    async def run() -> None:
        async with story.running():
            await story.until(lambda: story.phases().get(Series("NOSUCH", "1m")) is Phase.REFUSED, "it is refused")
            await story.play(2)

    loops.run(run())

    check(story)
    assert live_feeds.read_all()["binance"].refused == ("NOSUCH 1m: NOSUCH: Invalid symbol.",)


def test_symbols_that_the_settings_do_not_allow_are_refused(settings: Any) -> None:
    settings.SCANNER_UNKNOWN_SYMBOLS = "reject"
    story = Story(bars=5)

    async def run() -> None:
        async with story.running():
            await story.until(lambda: Phase.REFUSED in story.phases().values(), "it is refused")

    loops.run(run())

    assert not Symbol.objects.exists()
    assert "SCANNER_UNKNOWN_SYMBOLS" in live_feeds.read_all()["binance"].refused[0]


def test_a_full_backlog_is_refilled_in_order_when_there_is_room(settings: Any) -> None:
    story = Story(symbols=("BTCUSDT", "ETHUSDT"), bars=12)

    def make_room() -> None:
        settings.SCANNER_MAX_BACKLOG = 100_000

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(1)
            settings.SCANNER_MAX_BACKLOG = await story.in_thread(
                lambda: Symbol.objects.get(ticker="BTCUSDT").status.backlog
            )
            await story.play(3)
            assert Phase.PAUSED in story.phases().values()
            make_room()
            await story.play(2)
            await story.healed()

    loops.run(run())

    check(story)
    assert set(Gap.objects.values_list("cause", "state")) == {(GapCause.REFUSED, GapState.REFILLED)}


class Database:
    """Takes bars, as long as it is not away."""

    is_away = False

    def accept(self, *args: Any, **values: Any) -> Any:
        if self.is_away:
            raise OperationalError("the database is away")
        return ingest.accept(*args, **values)


def test_a_database_that_is_away_for_a_moment_costs_nothing() -> None:
    database = Database()
    story = Story(bars=8, accept=database.accept)

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(1)
            database.is_away = True
            await story.venue.advance(story.venue.now_ms + 2 * story.length_ms)
            await story.until(lambda: story.runner._intake.error, "it is noticed")
            assert not story.runner._intake.has_room
            database.is_away = False
            await story.play(2)

    loops.run(run())

    check(story)


def test_what_waits_too_long_for_the_database_is_dropped_and_refilled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner_app.feeds.live.intake.AWAY_S", 0.1)
    database = Database()
    story = Story(bars=8, accept=database.accept)

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(1)
            database.is_away = True
            await story.venue.advance(story.venue.now_ms + 2 * story.length_ms)
            await story.until(lambda: Phase.PAUSED in story.phases().values(), "it is dropped")
            database.is_away = False
            await story.play(2)
            await story.healed()

    loops.run(run())

    check(story)
    assert Gap.objects.get().cause == GapCause.REFUSED


def test_a_feed_that_is_stopped_and_started_again_goes_on_where_it_was() -> None:
    story = Story(bars=12)

    async def run() -> None:
        async with story.venue:
            async with story.feed():
                await story.joined()
                await story.play(2)
            assert live_feeds.read_all()["binance"].state is FeedState.DOWN
            await story.venue.advance(story.venue.now_ms + 3 * story.length_ms)
            async with story.feed():
                await story.joined()
                await story.play(2)
                await story.healed()

    loops.run(run())

    check(story)
    gap = Gap.objects.get()
    assert (gap.cause, gap.missing, gap.state) == (GapCause.START, 3, GapState.REFILLED)


def test_a_forming_bar_is_shown_and_never_processed() -> None:
    story = Story(bars=4)

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(1.9)

    loops.run(run())

    from scanner_app.engine import forming

    shown = forming.of_symbol(Symbol.objects.get(ticker="BTCUSDT"), story.clock().utc)
    assert [bar.timestamp for bar in shown] == [_time(START_MS + story.length_ms)]
    assert Bar.objects.filter(timestamp__gte=_time(START_MS)).count() == 1


def test_a_second_process_waits_and_the_first_stops_when_it_has_lost_its_lease(broker_server: Any) -> None:
    story = Story(bars=4)

    async def run() -> None:
        async with story.venue, story.feed():
            await story.joined()
            broker_server.set("scanner:feed-lease:binance", "another")
            task = story.task
            with suppress(BaseExceptionGroup):
                await asyncio.wait_for(asyncio.shield(task), 20)
            failed = task.exception()
            assert isinstance(failed, BaseExceptionGroup)
            assert failed.subgroup(LeaseLost)

    loops.run(run())

    assert broker_server.get("scanner:feed-lease:binance") == b"another"


def test_a_broker_that_is_away_stops_no_feed(broker_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(bars=6)

    async def run() -> None:
        async with story.running():
            await story.joined()
            broker_server.shutdown(nosave=True)
            await story.play(3)

    loops.run(run())

    check(story)


def test_more_than_fits_is_dropped_and_refilled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner_app.feeds.live.intake.MOST_WAITING", 3)
    monkeypatch.setattr(Intake, "has_room", True)
    story = Story(before=2, bars=8, faults=[Fault(kind=FaultKind.REFUSE, first_ms=0, until_ms=1)])

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(2)
            assert story.runner._intake._count <= 3

    loops.run(run())

    check(story)


@pytest.mark.parametrize("calendar", ["", "XNYS"])
def test_symbols_of_a_venue_that_never_closes_get_its_calendar_unless_somebody_chose_another(calendar: str) -> None:
    from tests.conftest import make_symbol

    symbol = make_symbol("ODDPAIR")
    if calendar:
        mailbox.set_calendar(symbol, calendar, by="ada", now=timezone.now())

    stored.know(["ODDPAIR", "BTCUSDT"], calendar="24/7", now=timezone.now())

    symbol.refresh_from_db()
    assert symbol.calendar == (calendar or "24/7")
    assert Symbol.objects.get(ticker="BTCUSDT").calendar == ""  # the settings have it already


def test_the_environment_s_rows_follow_it_and_others_are_left_alone() -> None:
    Feed.objects.create(name="binance", venue="binance", entry="SOLUSDT@1m")
    one, two = parse_entry("binance", "BTCUSDT@1m"), parse_entry("binance", "ETHUSDT@1h")

    stored.sync_environment([one, two])
    assert {feed.name: feed.entry.text for feed in stored.configured()} == {
        "binance": "SOLUSDT@1m",
        "binance-2": "BTCUSDT@1m",
        "binance-3": "ETHUSDT@1h",
    }
    stored.sync_environment([two])
    assert {feed.name: feed.entry.text for feed in stored.configured()} == {
        "binance": "SOLUSDT@1m",
        "binance-2": "ETHUSDT@1h",
    }


def test_a_disabled_feed_and_one_that_is_not_understood_do_not_run() -> None:
    Feed.objects.create(name="off", venue="binance", entry="SOLUSDT@1m", enabled=False)
    Feed.objects.create(name="bad", venue="binance", entry="SOLUSDT")

    assert stored.configured() == []


def test_an_assumed_bar_is_no_place_to_go_on_from() -> None:
    from scanner_app.mailbox import accept
    from tests.conftest import make_symbol, new_bar

    make_symbol("TSLA")
    now = timezone.now().replace(second=0, microsecond=0)
    accept([new_bar(timeframe="1m", timestamp=now - timedelta(minutes=5))], now=now)
    accept([new_bar(timeframe="1m", timestamp=now - timedelta(minutes=3), assumed=True)], now=now)

    (standing,) = stored.standings([Series("TSLA", "1m")], now=now).values()

    assert standing.newest == now - timedelta(minutes=5)


def _time(ms: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC)
