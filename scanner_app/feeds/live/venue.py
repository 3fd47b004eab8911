"""What a venue's module must tell, as values in and values out: the common part of live feeds does all I/O.

A venue with a stream is a `Venue`: the common part connects to `url()`, sends `login()` if there is one, waits for
`Ready`, sends the messages of `subscribe()`, counts one `Subscribed` for each, and gives every message that comes to
`read()`. For history it sends the `Request` of `request()` and gives the answer to `read_history()`.

A venue that is asked again and again instead (a library of somebody else's does the I/O) is a `PollingVenue`.

Series are named by the venue's own names here (`VenueSeries`); timeframes are ours, and the module translates them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from scanner_app.domain.errors import ScannerError


class VenueSeries(NamedTuple):
    """A series by the venue's name of the instrument and our name of the timeframe."""

    name: str
    timeframe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBar:
    """One bar of a venue."""

    series: VenueSeries
    timestamp: datetime  # aware; the bar's opening
    open: float
    high: float
    low: float
    close: float
    volume: float | None  # None: the venue does not say


# --- What a message of the stream says


@dataclass(frozen=True, slots=True)
class Closed:
    """A bar whose period is over."""

    bar: VenueBar


@dataclass(frozen=True, slots=True)
class Forming:
    """The newest values of a bar whose period is not over."""

    bar: VenueBar


@dataclass(frozen=True, slots=True)
class Revision:
    """New values for a closed bar, from a venue that sends corrections."""

    bar: VenueBar


@dataclass(frozen=True, slots=True)
class Ready:
    """The venue waits for subscriptions: the login was accepted."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One message of `subscribe()` or `unsubscribe()` was taken."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue refuses the login or a subscription. `text` says why, in the venue's words, without secrets.

    `lasting`: trying again soon is useless (a wrong key); the next try comes after the longest pause.
    """

    text: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Renew:
    """The venue will end this connection soon: a new one is opened beside it first."""

    text: str


Message = Closed | Forming | Revision | Ready | Subscribed | Refused | Renew


# --- History


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which bars are wanted: of these instruments, one timeframe, openings from `first` to `last`, both included."""

    names: tuple[str, ...]  # at most Traits.names_a_request
    timeframe: str
    first: datetime
    last: datetime
    page: str = ""  # the `next_page` of the page before


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A GET request. `cost` is in the units of Traits.budget_units."""

    url: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cost: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Status 429, 418 and 5xx never reach a venue's module: the common part waits and asks again."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Bars of history, closed ones alone, each series oldest first. `next_page` is empty on the last page."""

    bars: Sequence[VenueBar]
    next_page: str = ""


class HistoryRefused(ScannerError):
    """The venue has no such instrument, or does not let us read it. The message is in the venue's words, no secrets."""


class HistoryLater(ScannerError):
    """The venue can't answer now. `after_s`: it says when to ask again; None: it does not."""

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


# --- The venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a venue behaves. Times in seconds."""

    timeframes: frozenset[str]  # ours, that it can bring
    calendar: str = ""  # of all its symbols, such as 24/7; "": by SCANNER_CALENDARS
    always_sends: bool  # a bar also when nothing was traded: then a missing one is a hole at once
    history_is_truth: bool  # values of history for a bar that we have are a revision; else a conflict
    closed_within_s: float = 10  # after its end, by when a bar has come by the stream
    history_within_s: float = 120  # after its end, by when a bar is in the history, if it is ever
    # Of the stream; a PollingVenue has none.
    series_a_connection: int = 1_000
    series_a_message: int = 200  # of subscribe() and unsubscribe()
    messages_per_s: float = 4  # that we may send on a connection
    heartbeat_s: float = 60  # without any message or ping for so long, a connection is dead
    renew_after_s: float | None = None  # a connection is replaced at this age, before the venue ends it
    # Of the history.
    bars_a_request: int = 1_000  # per request, of all its instruments together
    names_a_request: int = 1
    budget_units: float = 1_000  # that we spend at most in budget_s, a good part below the venue's own limit
    budget_s: float = 60
    requests_at_once: int = 4


class _Described(Protocol):
    name: str  # as in SCANNER_FEEDS
    traits: Traits

    def venue_name(self, ticker: str) -> str:
        """What the venue calls one of our tickers, where no VenueTicker says otherwise."""


class Venue(_Described, Protocol):
    """A venue with a stream, and history by HTTP. Nothing here does I/O or reads a clock."""

    def url(self, series: Sequence[VenueSeries]) -> str:
        """Where to connect for these series."""

    def login(self) -> str | None:
        """The first message on a connection; None: no login, subscriptions are sent at once."""

    def subscribe(self, series: Sequence[VenueSeries], number: int) -> str:
        """The message that subscribes to at most `series_a_message` series; `number` counts our messages."""

    def unsubscribe(self, series: Sequence[VenueSeries], number: int) -> str:
        """The message that ends these subscriptions."""

    def read(self, text: str | bytes) -> Sequence[Message]:
        """What a message says; nothing for those that do not matter. Raises ValueError if it is not understood."""

    def request(self, query: Query) -> Request:
        """The request for a page of history."""

    def read_history(self, query: Query, answer: Answer) -> Page:
        """What the answer says. Raises HistoryRefused, HistoryLater, or ValueError if it is not understood."""


class PollingVenue(_Described, Protocol):
    """A venue that is asked for each bar when it is due, through a library that does its own I/O."""

    async def fetch(self, query: Query) -> Page:
        """The closed bars of a query. Raises HistoryRefused or HistoryLater; any other error counts as the latter."""

    async def aclose(self) -> None:
        """Close what it has open."""


AnyVenue = Venue | PollingVenue
