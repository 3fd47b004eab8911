"""Live feeds, what their venues call our symbols, and the ledger of bars that they missed."""

from django.db import models

from scanner_app.domain.enums import GapState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models.choices import choices_of
from scanner_app.models.symbols import Symbol


class Feed(models.Model):
    """A live feed that is configured: at which venue, which symbols, which timeframes.

    How it is doing is not here but in its heartbeat (messaging/live_feeds.py). `manage.py feed` follows changes of
    these rows while it runs.
    """

    name = models.CharField(max_length=64, unique=True)
    venue = models.CharField(max_length=64)  # a name of feeds/live/venues.py, such as binance
    entry = models.TextField()  # our tickers and timeframes, as in SCANNER_FEEDS: BTCUSDT,ETHUSDT@1m+1h
    enabled = models.BooleanField(default=True)
    from_environment = models.BooleanField(default=False)  # of SCANNER_FEEDS: made, changed and removed by that alone
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.venue}:{self.entry})"


class VenueTicker(models.Model):
    """What a venue calls one of our symbols. Without a row the venue's name is our ticker."""

    venue = models.CharField(max_length=64)
    ticker = models.CharField(max_length=32)  # ours, in upper case
    name = models.CharField(max_length=64)  # the venue's

    class Meta:
        ordering = ["venue", "ticker"]
        constraints = [
            models.UniqueConstraint(fields=["venue", "ticker"], name="venue_ticker_ours"),
            # Of two tickers with one name, nobody could say whose a bar is.
            models.UniqueConstraint(fields=["venue", "name"], name="venue_ticker_theirs"),
        ]

    def __str__(self) -> str:
        return f"{self.ticker} is {self.name} at {self.venue}"


class Gap(models.Model):
    """A hole that a live feed found in one of its series, while its calendar says that the market was open.

    Neighbouring holes of a series are one row while they are open. Written by feeds/live/ledger.py; an operator gives
    one up through the same module.
    """

    symbol = models.ForeignKey(Symbol, on_delete=models.CASCADE, db_index=False, related_name="feed_gaps")
    feed = models.ForeignKey(Feed, on_delete=models.SET_NULL, null=True, related_name="gaps")  # None: it was removed
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    first = models.DateTimeField()  # opening of the first missing bar
    last = models.DateTimeField()  # opening of the last missing bar
    missing = models.IntegerField()  # bars, when it was found
    refilled = models.IntegerField(default=0)  # of these, how many have come since
    found_at = models.DateTimeField()
    cause = models.CharField(max_length=16)  # a word of domain/enums.py: GapCause
    state = models.CharField(max_length=8, choices=choices_of(GapState), default=GapState.OPEN)
    asked = models.IntegerField(default=0)  # how often the venue has answered for it
    next_ask_at = models.DateTimeField(null=True)  # while it is open
    ended_at = models.DateTimeField(null=True)  # when it left the state open
    ended_by = models.CharField(max_length=150, blank=True, default="")  # who gave it up; "": nobody had to
    last_error = models.TextField(blank=True, default="")  # why the venue did not answer; "": it did, or was not asked

    class Meta:
        indexes = [
            # The open ones: read by the feed, its heartbeat and the alert rules.
            models.Index(fields=["next_ask_at"], name="gap_open", condition=models.Q(state="open")),
            # Lists of one symbol, newest first, by cursor; and the open row of a series that a new hole may join.
            models.Index(fields=["symbol", "id"], name="gap_symbol_newest"),
            # A day's summary.
            models.Index(fields=["found_at"], name="gap_found"),
        ]

    def __str__(self) -> str:
        return f"hole of {self.missing} {self.timeframe} bars from {self.first:%Y-%m-%d %H:%M:%S}: {self.state}"
