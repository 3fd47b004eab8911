"""One detector broken on many symbols, in real workers: told once, switched off, and nothing is missing afterwards."""

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.integration.detectors import BREAK
from tests.integration.stack import Stack, running_stack
from tests.integration.test_revisions import walk
from tests.notifications.conftest import MailServer
from tests.waiting import wait_until

TICKERS = [f"SYM{number}" for number in range(8)]
PATHS = "scanner_app.detectors.candlesticks.Candlesticks,tests.integration.detectors.Breakable"
BEFORE, BROKEN, AFTER = 10, 5, 5
"""Bars of each symbol before it breaks, while it is broken, and afterwards."""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path, mailbox: MailServer) -> Iterator[Stack]:
    with running_stack(
        tmp_path,
        request.param,
        SCANNER_DETECTORS=PATHS,
        SCANNER_RETRY_DELAYS="4,4,8,16",  # no breaker opens before the incident is known, on a busy machine either
        SCANNER_ADMINS="chief@example.com",
        EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}",
    ) as running:
        running.start_worker("rerun", "rerun", processes=1)
        yield running


def post(stack: Stack, tickers: list[str], count: int, *, first: int = 0) -> None:
    stack.post_bars([bar for ticker in tickers for bar in walk(ticker, count, first=first)])


def detector(stack: Stack) -> dict[str, Any]:
    rows = stack.http.get("detectors").json()["results"]
    return next(row for row in rows if row["name"] == "breakable")


def signals(stack: Stack, ticker: str, *names: str) -> list[tuple[Any, ...]]:
    rows = [row for row in stack.rows("signals", symbol=ticker, withdrawn="false") if row["detector"] in names]
    return sorted(
        (row["timestamp"], row["detector"], row["pattern"], row["direction"], row["strength"]) for row in rows
    )


def about_failures(mailbox: MailServer) -> list[Message]:
    """The mails about symbols or detectors that fail, not those about alerts or that something is over."""
    subjects = ("Detector ", "processing failed")
    return [mail for mail in mailbox.mails if any(words in str(mail["Subject"]) for words in subjects)]


def text_of(mail: Message) -> str:
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def test_a_detector_that_fails_on_many_symbols_is_switched_off_and_makes_up_for_what_it_missed(stack, mailbox):
    post(stack, TICKERS, BEFORE)
    stack.wait_for_empty_backlog()
    (stack.folder / BREAK).touch()
    post(stack, TICKERS, BROKEN, first=BEFORE)

    wait_until(
        lambda: all(stack.symbol(ticker)["consecutive_failures"] for ticker in TICKERS), "all fail", deadline_s=60
    )
    (group,) = stack.http.get("failures/groups").json()["results"]
    assert (group["detector"], group["error_type"], group["symbols"]) == ("breakable", "KeyError", len(TICKERS))

    answer = stack.http.post("detectors/breakable/off", json={"reason": "a bad deploy"})
    assert answer.json()["state"] == "off"
    stack.wait_for_empty_backlog(deadline_s=90)
    assert {stack.symbol(ticker)["state"] for ticker in TICKERS} == {"processing"}
    assert stack.rows("quarantine") == []
    wait_until(lambda: detector(stack)["missing_bars"] == BROKEN * len(TICKERS), "all are noted", deadline_s=10)
    for ticker in TICKERS:
        assert len(signals(stack, ticker, "breakable")) == BEFORE

    wait_until(lambda: about_failures(mailbox), "it is told", deadline_s=90)
    (stack.folder / BREAK).unlink()
    assert stack.http.post("detectors/breakable/on").json()["state"] == "on"
    post(stack, TICKERS, AFTER, first=BEFORE + BROKEN)
    stack.wait_for_empty_backlog()
    wait_until(lambda: detector(stack)["missing_bars"] == 0, "it has made up for them", deadline_s=120)

    post(stack, ["FRESH"], BEFORE + BROKEN + AFTER)
    stack.wait_for_empty_backlog()
    undisturbed = signals(stack, "FRESH", "breakable", "candlesticks")
    for ticker in TICKERS:
        assert signals(stack, ticker, "breakable", "candlesticks") == undisturbed
    (mail,) = about_failures(mailbox)
    assert str(mail["Subject"]).endswith(f"Detector breakable fails on {len(TICKERS)} symbols")
    for ticker in TICKERS:
        assert f"{ticker} processing failed " in text_of(mail)
    assert stack.manage("verify")
