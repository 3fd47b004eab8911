"""A thousand hits, from bars over HTTP to a webhook and a mail server, while everything between them is killed."""

import itertools
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.live_feed import Server, SQLiteFile
from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.notifications.conftest import MailServer
from tests.signals.conftest import WebhookServer, serving
from tests.waiting import wait_until

RULES, OF_MAIL, TICKERS, CHANGES = 50, 10, ("AAPL", "IBM", "MSFT", "TSLA"), 5
HITS = RULES * len(TICKERS) * CHANGES
"""Each rule hits 20 times: as many as a channel tells singly in a minute, however fast they come."""

ENDS_A_SEND = {"hits", "database"}
"""What, when it is killed between sending and noting, has a message sent again."""


class Times(list[str]):
    """Message ids as they come, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, list[float]] = defaultdict(list)

    def append(self, message_id: str) -> None:
        self.at[message_id].append(time.monotonic())
        super().append(message_id)


class Post(MailServer):
    """A mail server that notes when each message came."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = Times()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = await super().handle_DATA(server, session, envelope)
        self.asked.append(message_id(self.mails[-1]))
        return answer


def message_id(mail: Message) -> str:
    texts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "text/plain"]
    found = re.search(rb"^Message (\S+)", b"".join(text for text in texts if isinstance(text, bytes)), re.MULTILINE)
    assert found, mail
    return found[1].decode()


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    server = WebhookServer()
    server.asked = Times()
    with serving(server):
        yield server


@pytest.fixture
def post() -> Iterator[Post]:
    server = Post()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server | SQLiteFile]:
    with tempfile.TemporaryDirectory(prefix="pg-") as short:
        Path(short).chmod(0o755)  # the server has a user of its own
        its_own = (
            Server(Path(short) / "data") if request.param == "postgresql" else SQLiteFile(tmp_path / "scanner.sqlite3")
        )
        try:
            yield its_own
        finally:
            its_own.end()


@pytest.fixture
def stack(database: Server | SQLiteFile, tmp_path: Path) -> Iterator[Stack]:
    settings = {"DATABASE_URL": database.url, "SCANNER_WEBHOOK_PRIVATE_ADDRESSES": "1"}
    with running_stack(tmp_path, "sqlite", workers=False, **settings) as running:
        yield running


def make_rules(stack: Stack, webhook: int, mail: int) -> None:
    for number in range(RULES):
        rule = {
            "name": f"Up {number}",
            "expression": f"close > 10.{number:02}5",
            "timeframes": ["1m"],
            "channels": [webhook, mail] if number < OF_MAIL else [webhook],
            "tell_within_s": 86_400,
        }
        assert stack.http.post("rules", json=rule).status_code == 201


def new_bars(number: int) -> Iterator[list[dict[str, Any]]]:
    """Bars of the last hour, one of each symbol at a time; every second one makes all rules true."""
    begins = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=number + 1)
    for minute in range(number):
        together = [bars_of(ticker, number)[minute] for ticker in TICKERS]
        for bar in together:
            bar["timestamp"] = (begins + timedelta(minutes=minute)).isoformat()
        yield together


def send(stack: Stack, bars: list[dict[str, Any]]) -> None:
    """As a patient feed does: again until they are taken."""

    def taken() -> bool:
        with suppress(httpx.HTTPError):
            return stack.http.post("bars", json=bars).status_code == 202
        return False

    wait_until(taken, "the bars are taken", deadline_s=120)


def more_came(receiver: WebhookServer, before: int) -> bool:
    return len(receiver.asked) > before


def is_up(stack: Stack) -> bool:
    with suppress(httpx.HTTPError):
        return bool(stack.http.get("status").status_code == 200)
    return False


@pytest.mark.slow
@pytest.mark.timeout(900)  # after a kill a channel waits for the end of its lease
def test_a_thousand_hits_are_told_once_whatever_is_killed(stack, database, receiver, post):
    dice = random.Random(17)  # noqa: S311 - no secret
    hook = stack.http.post("channels", json={"name": "bot", "kind": "webhook", "url": receiver.url}).json()
    receiver.secret = hook["secret"]
    address = f"mailto://127.0.0.1:{post.port}?smtp=127.0.0.1&mode=insecure&from=a@example.org&to=tom@example.org"
    mail = stack.http.post("channels", json={"name": "mail", "kind": "apprise", "url": address}).json()
    make_rules(stack, hook["id"], mail["id"])
    stack.start_workers()
    wait_until(lambda: stack.get("/readyz").status_code == 200, "the scanner is ready")
    kills: list[tuple[float, float]] = []  # of what ends a send: from its death until all was up again

    def kill(victim: str) -> None:
        began = time.monotonic()
        match victim:
            case "database":
                with database.away():
                    time.sleep(dice.random() * 0.5)  # an outage has a length; nothing waits for this
                wait_until(lambda: is_up(stack), "the scanner answers again", deadline_s=60)
            case "broker":
                stack.redis.kill()
                stack.redis.start()
            case _:
                stack.kill(victim)
                stack.start_worker(victim, victim, processes=2)
        if victim in ENDS_A_SEND:
            kills.append((began, time.monotonic()))

    victims = ["main", "hits", "broker", "database", "upkeep"] * 4
    dice.shuffle(victims)
    for bars in new_bars(2 * CHANGES):
        send(stack, bars)
        for _ in range(2):
            with suppress(AssertionError):  # with nothing on its way a kill falls into silence, which is a place too
                wait_until(partial(more_came, receiver, len(receiver.asked)), "something is told", deadline_s=3)
            time.sleep(dice.random() * 0.1)  # into another place of the work each time; nothing waits for this
            kill(victims.pop())

    stack.wait_for_empty_backlog(deadline_s=180)
    wait_until(
        lambda: (
            {row["state"] for row in stack.rows("deliveries")} == {"sent"}
            and len(stack.rows("deliveries")) == HITS + HITS * OF_MAIL // RULES
        ),
        "all is told",
        deadline_s=400,
    )
    check_hits(stack)
    check_told(stack, hook["id"], receiver.asked, kills)
    check_told(stack, mail["id"], post.asked, kills)
    told = {one["data"]["id"] for one in receiver.taken}
    assert told == {row["id"] for row in stack.rows("hits")}
    check_silence_after_a_restart_and_an_import(stack, hook["id"], receiver, post)


def check_hits(stack: Stack) -> None:
    """Each change is one hit: of every rule with every second bar."""
    hits = [(row["rule"], row["symbol"], row["timestamp"]) for row in stack.rows("hits")]
    changes = {(row["symbol"], row["timestamp"]) for row in stack.rows("bars") if row["close"] == 11}

    assert len(changes) == len(TICKERS) * CHANGES
    assert len(hits) == len(set(hits)) == HITS
    assert {(symbol, timestamp) for _, symbol, timestamp in hits} == changes


def check_told(stack: Stack, channel: int, asked: list[str], kills: list[tuple[float, float]]) -> None:
    """Each delivery came, and twice only with the same id and with a kill in between."""
    assert isinstance(asked, Times)
    deliveries = stack.rows("deliveries", channel=channel)

    assert {row["message_id"] for row in deliveries} == set(asked.at)
    assert len({row["hit"] for row in deliveries}) == len(deliveries)
    for times in asked.at.values():
        for first, second in itertools.pairwise(times):
            assert any(began < second and first < ended for began, ended in kills), "sent twice without a kill"


def check_silence_after_a_restart_and_an_import(
    stack: Stack, channel: int, receiver: WebhookServer, post: Post
) -> None:
    """Nothing is told again after a restart, and nothing of a year-old history, of known symbols or of new ones."""
    before = len(receiver.taken), len(post.asked)
    for name in ("main", "hits"):
        stack.kill(name)
        stack.start_worker(name, name, processes=2)
    send(stack, bars_of("TSLA", 50) + bars_of("NEW", 50))
    stack.wait_for_empty_backlog(deadline_s=120)
    stack.http.post(f"channels/{channel}/test")
    wait_until(lambda: receiver.taken[-1]["type"] == "test", "the new worker works", deadline_s=60)

    assert (len(receiver.taken) - 1, len(post.asked)) == before
    assert len(stack.rows("hits")) == HITS
