"""`manage.py feed` in real time, while it, its broker, its database and the workers are really killed."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.live_feed import LiveFeeds, live_feeds
from tests.waiting import wait_until


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def feeds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveFeeds]:
    with live_feeds(tmp_path, request.param) as running:
        yield running


def everything_is_proved(feeds: LiveFeeds) -> None:
    """The feeds have ended; the workers go through what is stored, and the account balances."""
    feeds.check()
    wait_until(
        lambda: feeds.database.rows("SELECT count(*) FROM scanner_app_bar WHERE status <> 'processed'") == [(0,)],
        "the bars are processed",
    )
    proof = json.loads(feeds.stack.manage("verify", "--json").splitlines()[-1])
    assert proof["ok"]
    assert [(proof["processed"],)] == feeds.database.rows("SELECT count(*) FROM scanner_app_bar")


def test_no_bar_is_lost_or_out_of_order_whatever_is_killed(feeds: LiveFeeds) -> None:
    feeds.start("first")
    feeds.comes_up_to_date("after the start")
    # Before the first bar of the venue's history nothing is missing.
    assert feeds.database.rows("SELECT count(*) FROM scanner_app_gap WHERE cause = 'start'") == [(0,)]
    holder, connected = feeds.lease_holder(), feeds.venue.venue.connected
    assert holder

    # A second process waits, and does nothing at the venue; it takes over when the first has died.
    feeds.start("second")
    wait_until(lambda: "another process runs it" in feeds.log("second"), "the second one says that it waits")
    feeds.comes_up_to_date("from the first one still")
    assert (feeds.lease_holder(), feeds.venue.venue.connected) == (holder, connected)
    feeds.stack.kill("first")
    wait_until(lambda: feeds.lease_holder() not in {"", holder}, "the second one has the lease", deadline_s=20)
    feeds.comes_up_to_date("from the second one")

    feeds.broker.kill()
    feeds.comes_up_to_date("without a broker")
    feeds.broker.start()
    feeds.comes_up_to_date("with the broker again")

    with feeds.database.away():
        feeds.until_bars_have_passed(3)
    feeds.comes_up_to_date("with the database again")

    # A clean stop gives the lease back, so that the next one need not wait until it has run out.
    assert feeds.terminate("second") == 0
    assert feeds.lease_holder() == ""
    assert json.loads(feeds.heartbeat())["state"] == "down"
    assert "Traceback" not in feeds.log("second")
    feeds.start("third")
    feeds.comes_up_to_date("from the third one")
    assert "another process runs it" not in feeds.log("third")
    feeds.no_hole_is_open()
    assert feeds.terminate("third") == 0

    feeds.stack.start_worker("main", "main", processes=1)
    everything_is_proved(feeds)


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("seed", [16])
def test_kills_at_random_lose_nothing(feeds: LiveFeeds, seed: int) -> None:
    """With workers, a sweeper and a second feed in waiting: whatever is killed is started again, as supervisor does."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def start(name: str) -> None:
        match name:
            case "main" | "upkeep":
                feeds.stack.start_worker(name, name, processes=1)
            case "beat":
                feeds.stack.start("beat", "celery", "-q", "-A", "scanner_project", "beat")
            case _:
                feeds.start(name)

    for name in ("one", "other", "main", "upkeep", "beat"):
        start(name)
    feeds.comes_up_to_date("after the start")
    victims = ["one", "other", "main", "broker", "database"] * 4
    chance.shuffle(victims)
    for victim in victims:
        match victim:
            case "broker":
                feeds.broker.kill()
                feeds.until_bars_have_passed(chance.randint(1, 5))
                feeds.broker.start()
            case "database":
                with feeds.database.away():
                    feeds.until_bars_have_passed(chance.randint(1, 5))
            case _:
                feeds.stack.kill(victim)
                feeds.until_bars_have_passed(chance.randint(0, 2))
                start(victim)
        feeds.until_bars_have_passed(chance.randint(0, 3))
    feeds.comes_up_to_date(f"after {len(victims)} kills")
    feeds.no_hole_is_open()
    for name in ("one", "other"):
        assert feeds.terminate(name) == 0
    everything_is_proved(feeds)
