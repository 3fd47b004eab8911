"""Rules with hits, channels, and real receivers on the loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from standardwebhooks import Webhook

from scanner_app.domain.enums import ChannelKind
from scanner_app.models import Channel, Delivery, Hit, Rule, Symbol
from scanner_app.signals import channels, telling
from tests.conftest import accept_days, make_symbol
from tests.notifications.conftest import (  # noqa: F401 - fixtures
    Clock,
    WebServer,
    clock,
    dead_mail_server,
    mail_server,
    web_server,
)


class WebhookServer(ThreadingHTTPServer):
    """A receiver of webhooks that checks each signature with the library; `taken` is what it took.

    `answers`: status and headers of the next answers; then 200.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.secret = ""
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []  # the message ids that came, taken or not
        self.taken: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.says = b""  # the body of its answers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secretpath"


class _Receiver(BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.asked.append(self.headers["webhook-id"])
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        if status == 200:
            self.server.taken.append(self._checked(body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.says)))
        self.end_headers()
        self.wfile.write(self.server.says)

    def _checked(self, body: bytes) -> Any:
        """The body, its signature checked. The library also checks that it is of now, where the test's clock is."""
        checker, at = Webhook(self.server.secret), datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        if abs(timezone.now() - at) < timedelta(minutes=4):
            return checker.verify(body, dict(self.headers.items()))
        assert checker.sign(self.headers["webhook-id"], at, body.decode()) == self.headers["webhook-signature"]
        return json.loads(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def webhook_server(settings: Any) -> Iterator[WebhookServer]:
    """A receiver that may be reached although it is on this machine."""
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = True
    with serving(WebhookServer()) as server:
        yield server


@contextmanager
def serving(server: WebhookServer) -> Iterator[WebhookServer]:
    """The server answers for the length of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def now_clock() -> Clock:
    """A clock that begins now: receivers refuse signatures of another time."""
    began = Clock()
    began.now = timezone.now()
    return began


def make_channel(kind: ChannelKind, url: str, name: str = "trader", **values: Any) -> tuple[Channel, str]:
    return channels.add(name=name, kind=kind, url=url, by="olga", now=timezone.now(), **values)


@pytest.fixture
def webhook(db: None, webhook_server: WebhookServer) -> Channel:
    made, webhook_server.secret = make_channel(ChannelKind.WEBHOOK, webhook_server.url)
    return made


def make_rule(*told_by: Channel, name: str = "Golden cross", **values: Any) -> Rule:
    owner, _ = User.objects.get_or_create(username="tom")
    return Rule.objects.create(
        name=f"{name} {Rule.objects.count() or ''}".strip(),
        timeframes=["1d"],
        created_at=timezone.now(),
        changed_at=timezone.now(),
        owner=owner,
        expression="close > sma('close', 2)",
        channels=[one.pk for one in told_by],
        **values,
    )


def make_hit(rule: Rule, at: Any, ticker: str = "TSLA", day: int = 0) -> Hit:
    """A hit of the rule by a bar of the symbol, stored at that time."""
    symbol = Symbol.objects.filter(ticker=ticker).first() or make_symbol(ticker)
    if not symbol.bars.exists():
        accept_days(ticker, 3)
    bar = symbol.bars.order_by("timestamp")[day]
    return Hit.objects.create(
        rule_id=rule.pk,
        symbol=symbol,
        bar=bar,
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        values={"close": bar.close, "sma('close', 2)": 10.5},
        created_at=at,
    )


@pytest.fixture
def tell(now_clock: Clock) -> Callable[[], dict[str, int]]:
    """Run the telling once, at the clock's time; it returns what it did."""
    return lambda: telling.run(now_clock)


def states() -> list[tuple[str, int]]:
    """Every delivery as (state, attempts), in the order of making."""
    return list(Delivery.objects.order_by("pk").values_list("state", "attempts"))
