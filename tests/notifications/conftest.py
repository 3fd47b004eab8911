"""Real receivers on the loopback: a mail server and a web server, a clock to move, and the triggered deliveries."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from scanner_app.models import Notification, Symbol
from scanner_app.notifications import outbox, trigger
from tests.conftest import T0, accept_days, make_symbol, new_bar


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """One entry for each triggered delivery. No broker is needed."""
    entries: list[datetime] = []
    monkeypatch.setattr(trigger, "trigger_delivery", lambda: entries.append(timezone.now()))
    return entries


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class MailServer:
    """An SMTP server that can be dead; `mails` is what it took."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[Message] = []
        self.refuse = ""
        self._controller: Controller | None = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuse:
            return self.refuse
        mail = message_from_bytes(envelope.content)
        mail["X-Envelope-To"] = ",".join(envelope.rcpt_tos)
        self.mails.append(mail)
        return "250 taken"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]).removeprefix("[Scanner] ") for mail in self.mails]


@pytest.fixture
def dead_mail_server(settings: Any) -> Iterator[MailServer]:
    """The configured mail server; nobody listens there until the test starts it."""
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_SUBJECT_PREFIX = "[Scanner] "
    settings.ADMINS = [("Ada", "ada@example.org"), ("Bo", "bo@example.org")]
    yield server
    server.stop()


@pytest.fixture
def mail_server(dead_mail_server: MailServer) -> MailServer:
    dead_mail_server.start()
    return dead_mail_server


class WebServer(ThreadingHTTPServer):
    """What apprise's json:// posts to; `taken` is what came, `status` what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.taken: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"json://robot:secretpassword@127.0.0.1:{self.server_port}/tokentoken"


class _Receiver(BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.taken.append(body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    server = WebServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def opens(db: None, clock: Clock) -> Callable[..., Symbol]:
    """Let a symbol's breaker open, as the mailbox reports it, at the clock's time."""

    def opens_one(ticker: str = "TSLA", *, error: tuple[str, str] = ("ValueError", "no good")) -> Symbol:
        symbol = Symbol.objects.filter(ticker=ticker).first() or make_symbol(ticker)
        outbox.opened(
            symbol_id=symbol.pk,
            ticker=ticker,
            bar_id=bar_of(symbol),
            bar_time=new_bar().timestamp,
            timeframe="1d",
            failures=3,
            error=error,
            half_open_at=clock.now + timedelta(seconds=30),
            now=clock.now,
        )
        return symbol

    return opens_one


def bar_of(symbol: Symbol) -> int:
    """The symbol's only bar."""
    if not symbol.bars.exists():
        accept_days(symbol.ticker, 1)
    return int(symbol.bars.values_list("pk", flat=True).get())


def recovers(symbol: Symbol, clock: Clock, *, by: str = "scanner") -> None:
    """Let a symbol's breaker close, as the mailbox reports it, a minute after it opened."""
    outbox.recovered(
        symbol_id=symbol.pk,
        ticker=symbol.ticker,
        now=clock.now,
        failures=4,
        incident_at=clock.now - timedelta(seconds=63),
        by=by,
    )


def states() -> list[tuple[str, str, int]]:
    """Every notification as (subject, state, attempts), in the order of writing."""
    return list(Notification.objects.order_by("pk").values_list("subject", "state", "attempts"))
