"""A scanner under watch: a real Redis-compatible server with heartbeats of living workers, and a clock to move."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from scanner_app.alerts import evaluate, gather
from scanner_app.alerts.evaluate import EvaluationResult
from scanner_app.messaging import heartbeats, redis_client, sweep_memory
from scanner_app.models import Alert, Notification
from tests.notifications.conftest import Clock
from tests.servers import RedisServer

LOOK_S = 5
"""Seconds between two evaluations, as the default has it."""


class Watched:
    """`look` evaluates at the clock's time and moves it on."""

    def __init__(self, clock: Clock, redis_server: RedisServer) -> None:
        self.clock = clock
        self.redis = redis_server
        self.by_beat = True
        self.at_each_look: Callable[[], None] = lambda: None

    def all_well(self) -> None:
        """What workers and sweeper leave in Redis while all is well."""
        for role in ("main", "slow", "upkeep", "notify", "hits"):
            self.beat(role)
        sweep_memory.remember_sweep({})

    def beat(self, role: str, *, unanswered_s: float = 0, clock_ahead_s: float = 0) -> None:
        """The heartbeat of a worker whose clock is so far ahead."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(heartbeats, "time", SimpleNamespace(time=lambda: time.time() + clock_ahead_s))
            heartbeats.write(f"{role}@here", role, [], unanswered_s=unanswered_s)

    def forget(self, role: str) -> None:
        """The worker is dead, and its heartbeat has expired."""
        redis_client.client().delete(f"{heartbeats.KEY}{role}@here")

    def look(self) -> EvaluationResult:
        self._sweep()
        self.at_each_look()
        report = evaluate.run(gather.gather(self.clock.now, by_beat=self.by_beat))
        self.clock.move(LOOK_S)
        return report

    def _sweep(self) -> None:
        """The sweeper goes on, unless the test has stopped it or the broker: a test on a busy machine may take long."""
        with suppress(redis.RedisError):
            if sweep_memory.last_sweep() is not None:
                sweep_memory.remember_sweep({})

    def look_for(self, seconds: float) -> None:
        for _ in range(int(seconds // LOOK_S) + 1):
            self.look()


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory, settings: object) -> Iterator[RedisServer]:
    server = RedisServer(Path(tmp_path_factory.mktemp("redis")))
    server.start()
    settings.REDIS_URL = server.url  # type: ignore[attr-defined]
    yield server
    server.stop()


@pytest.fixture
def watched(db: None, clock: Clock, redis_server: RedisServer, settings: object) -> Watched:
    settings.SCANNER_HEARTBEAT_S = 60  # type: ignore[attr-defined] # heartbeats outlast the test
    scanner = Watched(clock, redis_server)
    scanner.all_well()
    return scanner


def notified(rule: str) -> list[str]:
    """The kinds of the notifications about a rule's alerts, in the order of writing."""
    return list(Notification.objects.filter(alert__rule=rule).order_by("pk").values_list("kind", flat=True))


def state_of(rule: str) -> list[str]:
    return list(Alert.objects.filter(rule=rule).order_by("pk").values_list("state", flat=True))
