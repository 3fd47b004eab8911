"""Hits on their whole way out: made into deliveries, sent by the hits worker while it is killed again and again."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.signals.conftest import WebhookServer, serving
from tests.waiting import wait_until

RULES, HITS_EACH, KILLS = 15, 20, 6

MAKE_HITS = f"""
from django.contrib.auth.models import User
from django.utils import timezone
from scanner_app.models import Bar, Channel, Hit, Rule
now = timezone.now()
bars = list(Bar.objects.order_by("id")[:{HITS_EACH}])
for number in range({RULES}):
    rule = Rule.objects.create(
        owner=User.objects.get(), name=str(number), expression="close > 10", timeframes=["1m"], tell_within_s=86400,
        channels=list(Channel.objects.values_list("pk", flat=True)), created_at=now, changed_at=now,
    )
    Hit.objects.bulk_create(
        Hit(rule_id=rule.pk, symbol_id=bar.symbol_id, bar=bar, timeframe=bar.timeframe, timestamp=bar.timestamp,
            values={{"close": bar.close}}, created_at=now)
        for bar in bars
    )
"""


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    with serving(WebhookServer()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path, request.param, workers=False, SCANNER_WEBHOOK_PRIVATE_ADDRESSES="1") as running:
        yield running


def test_a_rule_that_becomes_true_reaches_its_webhook_once(stack, receiver):
    made = stack.http.post("channels", json={"name": "bot", "kind": "webhook", "url": receiver.url}).json()
    receiver.secret = made["secret"]
    rule = {"name": "Up", "expression": "close > 10", "timeframes": ["1m"], "channels": [made["id"]]}
    assert stack.http.post("rules", json=rule).status_code == 201
    this_minute = datetime.now(UTC).replace(second=0, microsecond=0)
    bars = bars_of("TSLA", 2)  # closes at 10, then at 11
    for bar, ago in zip(bars, (2, 1), strict=True):
        bar["timestamp"] = (this_minute - timedelta(minutes=ago)).isoformat()
    stack.start_workers()  # only now: they look for changed rules every two seconds, which nobody could wait for
    wait_until(lambda: stack.get("/readyz").status_code == 200, "the scanner is ready")

    for bar in bars:
        stack.post_bars([bar])
        stack.wait_for_empty_backlog()

    wait_until(lambda: receiver.taken, "the webhook comes", deadline_s=30)
    (listed,) = stack.rows("hits")
    (delivery,) = stack.rows("deliveries")
    told = receiver.taken[0]["data"]
    assert {name: told[name] for name in ("id", "rule", "symbol", "timestamp", "values")} == {
        name: listed[name] for name in ("id", "rule", "symbol", "timestamp", "values")
    }
    assert (delivery["hit"], delivery["state"], delivery["message_id"]) == (listed["id"], "sent", receiver.asked[0])


@pytest.mark.slow
@pytest.mark.timeout(400)  # after a kill its channel waits for the end of the lease
def test_each_hit_is_told_and_twice_only_where_a_kill_fell_between_sending_and_noting(stack, receiver):
    stack.start_workers()
    dice = random.Random(11)  # noqa: S311 - no secret
    made = stack.http.post("channels", json={"name": "bot", "kind": "webhook", "url": receiver.url})
    receiver.secret = made.json()["secret"]
    stack.post_bars(bars_of("TSLA", HITS_EACH))
    stack.wait_for_empty_backlog()
    stack.manage("shell", "-v0", "-c", MAKE_HITS)
    seen = 0

    def something_was_told() -> bool:
        return len(receiver.asked) > seen

    for _ in range(KILLS):
        seen = len(receiver.asked)
        wait_until(something_was_told, "something is told", deadline_s=90)
        time.sleep(dice.random() * 0.05)  # into another place of its work each time; nothing waits for this
        stack.kill("hits")
        stack.start_worker("hits", "hits", processes=2)

    wait_until(lambda: {row["state"] for row in stack.rows("deliveries")} == {"sent"}, "all is told", deadline_s=180)

    told = Counter(one["data"]["id"] for one in receiver.taken)
    assert len(told) == RULES * HITS_EACH
    assert sum(told.values()) - len(told) <= KILLS
    ids: dict[int, set[str]] = {one["data"]["id"]: set() for one in receiver.taken}
    for message_id, one in zip(receiver.asked, receiver.taken, strict=True):
        ids[one["data"]["id"]].add(message_id)
    assert {len(one) for one in ids.values()} == {1}, "a repeated message has the id that it had"
    stack.kill("hits")
    stack.start_worker("hits", "hits", processes=2)
    stack.http.post(f"channels/{made.json()['id']}/test")
    wait_until(lambda: receiver.taken[-1]["type"] == "test", "the new worker works", deadline_s=60)
    assert sum(1 for one in receiver.taken if one["type"] == "hit") == sum(told.values()), "none again"
