"""Ask a venue for history: one queue and one budget a venue, live joins before old holes, `Retry-After` obeyed.

A question stays in the queue until the venue has answered or refused it. One request is sent at a time for it, so that
a question of many pages does not hold up the others.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Final, cast

import httpx
import structlog

from scanner_app.domain.wording import error_line
from scanner_app.feeds.live.budget import Budget
from scanner_app.feeds.live.venue import (
    Answer,
    AnyVenue,
    HistoryLater,
    HistoryRefused,
    Page,
    Query,
    Venue,
    VenueBar,
    VenueSeries,
)

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 15.0
"""Longest wait for an answer, and for each part of it."""

LATER: Final = frozenset({403, 408, 418, 425, 429})
"""Statuses that mean "not now"; those from 500 on mean it too. 403 is how some venues' firewalls say it."""

LONGEST_NAP_S: Final = 0.5
"""Seconds between two looks at budget and room."""


class Urgency(IntEnum):
    """Which question is asked first."""

    JOIN = 0  # a series waits for it
    HOLE = 1  # an old hole


Answered = Callable[[Sequence[VenueBar], datetime | None], None]
"""Takes a page of a question's bars, oldest first, and up to where history is complete (None: more may follow)."""


@dataclass(slots=True, kw_only=True, eq=False)
class Question:
    """Bars of one series that are wanted, and who wants to hear the answer."""

    series: VenueSeries
    first: datetime
    last: datetime
    urgency: Urgency
    answered: Answered
    refused: Callable[[str], None]
    wanted: Callable[[], bool] = lambda: True  # whether anybody still wants it


@dataclass(slots=True, kw_only=True, eq=False)
class _Inquiry:
    """Questions that one request answers, and how far it has come."""

    questions: list[Question]
    query: Query
    bars: list[VenueBar] = field(default_factory=list)  # of earlier pages, where one page may end within a series


class Historian:
    """The questions to one venue."""

    def __init__(
        self, venue: AnyVenue, http: httpx.AsyncClient, *, room: Callable[[], bool], clock: Callable[[], float]
    ) -> None:
        """`room`: whether more bars can be taken just now; `clock` is monotonic, in s."""
        self._venue = venue
        self._http = http
        self._room = room
        self._clock = clock
        self._queue: list[tuple[int, int, Question | _Inquiry]] = []
        self._order = itertools.count()
        self._filled = asyncio.Event()
        traits = venue.traits
        self._budget = Budget(units=traits.budget_units, span_s=traits.budget_s)
        self._sending = 0
        self.requests = 0
        self.error = ""  # why the venue did not answer last; "": it did

    def ask(self, question: Question) -> None:
        """Put a question into the queue."""
        self._put(question.urgency, question)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is asked just now: there is no question, no room, or the venue must not be asked yet."""
        may_ask = bool(self._queue) and self._room() and not self._budget.wait_s(1, self._clock())
        return not self._sending and not may_ask

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._venue.traits.requests_at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._filled.wait()
            # The budget first, then the choice: what is urgent may come while it fills up.
            if not self._room() or (wait_s := self._budget.wait_s(1, self._clock())) > 0:
                await asyncio.sleep(min(LONGEST_NAP_S, wait_s) if self._room() else LONGEST_NAP_S)
                continue
            if (inquiry := self._next()) is not None:
                self._sending += 1
                try:
                    await self._send(inquiry)
                finally:
                    self._sending -= 1

    def _put(self, urgency: int, item: "Question | _Inquiry") -> None:
        heapq.heappush(self._queue, (urgency, next(self._order), item))
        self._filled.set()

    def _next(self) -> _Inquiry | None:
        """What is to be asked next: one question, and with it others that the same request can answer."""
        names = self._venue.traits.names_a_request
        chosen: list[Question] = []
        left = []
        while self._queue and len(chosen) < names:
            entry = heapq.heappop(self._queue)
            item = entry[2]
            if isinstance(item, _Inquiry):
                if chosen:
                    left.append(entry)
                    break
                return item
            if not item.wanted():
                continue
            if chosen and not _together(chosen[0], item):
                left.append(entry)
                if len(left) >= names:
                    break
                continue
            chosen.append(item)
        for entry in left:
            heapq.heappush(self._queue, entry)
        if not self._queue:
            self._filled.clear()
        if not chosen:
            return None
        query = Query(
            names=tuple(dict.fromkeys(question.series.name for question in chosen)),
            timeframe=chosen[0].series.timeframe,
            first=min(question.first for question in chosen),
            last=max(question.last for question in chosen),
        )
        return _Inquiry(questions=chosen, query=query)

    async def _send(self, inquiry: _Inquiry) -> None:
        self.requests += 1
        urgency = min(question.urgency for question in inquiry.questions)
        try:
            page = await self._page(inquiry.query)
        except HistoryRefused as exc:
            self._budget.answered()
            self._on_refusal(inquiry, str(exc))
        except HistoryLater as exc:
            self._later(str(exc), exc.after_s)
            self._put(urgency, inquiry)
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with venue or network: said, and asked again later
            self._later(error_line(type(exc).__name__, str(exc)), None)
            self._put(urgency, inquiry)
        else:
            self.error = ""
            self._budget.answered()
            self._deliver(inquiry, page)

    async def _page(self, query: Query) -> Page:
        if not hasattr(self._venue, "request"):
            self._budget.spend(1, self._clock())
            return await asyncio.wait_for(self._venue.fetch(query), 4 * TIMEOUT_S)
        venue = cast("Venue", self._venue)
        request = venue.request(query)
        self._budget.spend(request.cost, self._clock())
        response = await self._http.get(
            request.url, params=dict(request.params), headers=dict(request.headers), timeout=TIMEOUT_S
        )
        if response.status_code in LATER or response.status_code >= 500:
            raise HistoryLater(
                f"the venue answers with status {response.status_code}", _after_s(response, datetime.now(UTC))
            )
        return venue.read_history(query, Answer(status=response.status_code, body=response.content))

    def _later(self, text: str, after_s: float | None) -> None:
        pause_s = self._budget.failed(after_s, self._clock())
        self.error = text
        log.warning("history_not_answered", venue=self._venue.name, error=text, pause_s=round(pause_s, 1))

    def _on_refusal(self, inquiry: _Inquiry, text: str) -> None:
        if len(inquiry.questions) == 1:
            inquiry.questions[0].refused(text)
            return
        # One of them is refused, and the answer does not say which: each by itself.
        for question in inquiry.questions:
            query = replace(
                inquiry.query, names=(question.series.name,), first=question.first, last=question.last, page=""
            )
            self._put(question.urgency, _Inquiry(questions=[question], query=query))

    def _deliver(self, inquiry: _Inquiry, page: Page) -> None:
        query = inquiry.query
        more = bool(page.next_page)
        if len(query.names) == 1:
            until = query.last if not more else (page.bars[-1].timestamp if page.bars else None)
            self._tell(inquiry.questions, page.bars, until, whole=not more)
        else:
            inquiry.bars.extend(page.bars)
            if not more:
                self._tell(inquiry.questions, inquiry.bars, query.last, whole=True)
        if more:
            rest = _Inquiry(questions=inquiry.questions, query=replace(query, page=page.next_page), bars=inquiry.bars)
            self._put(min(question.urgency for question in inquiry.questions), rest)

    def _tell(
        self, questions: Sequence[Question], bars: Sequence[VenueBar], until: datetime | None, *, whole: bool
    ) -> None:
        by_series: dict[VenueSeries, list[VenueBar]] = {}
        for bar in bars:
            by_series.setdefault(bar.series, []).append(bar)
        for question in questions:
            own = [
                bar for bar in by_series.get(question.series, ()) if question.first <= bar.timestamp <= question.last
            ]
            question.answered(own, question.last if whole else until)


def client() -> httpx.AsyncClient:
    """A client for the requests of one process."""
    return httpx.AsyncClient(follow_redirects=False, headers={"User-Agent": "market-scanner"})


def _together(one: Question, other: Question) -> bool:
    """Whether one request may answer both: the same timeframe, and spans that do not lie apart."""
    return (
        one.series.timeframe == other.series.timeframe
        and one.urgency == other.urgency
        and one.first <= other.last
        and other.first <= one.last
    )


def _after_s(response: httpx.Response, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which may also be a date; None without one that is understood."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    return None
