"""Children that die or hang."""

import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.pool import Worker
from celery.concurrency.asynpool import AsynPool
from kombu.asynchronous import Hub

from scanner_app.workers.children import ACCEPT_S, OVERDUE_S, ChildrenStep, end_soon, replace_dead, some_live
from tests.waiting import wait_until


def job(number=1, *, accepted_s=None, child=None, limit_s=15.0):
    return SimpleNamespace(
        _job=number,
        _accepted=accepted_s is not None,
        _time_accepted=accepted_s,
        _timeout=limit_s,
        _worker_pid=7,
        _write_to=child,
        _scheduled_for=None,
        ready=lambda: False,
    )


CHILD = SimpleNamespace(pid=8, exitcode=None)


@pytest.fixture
def step():
    one = ChildrenStep.__new__(ChildrenStep)
    one._given_s = {}
    return one


def test_a_child_that_does_not_begin_with_its_message_is_hung(step):
    waiting = job(child=CHILD)

    assert step.hung([waiting], 100.0) == []
    assert step.hung([waiting], 100.0 + ACCEPT_S) == []
    assert [pid for pid, _ in step.hung([waiting], 100.1 + ACCEPT_S)] == [8]


def test_messages_that_no_child_has_got_may_wait(step):
    step.hung([job()], 100.0)

    assert step.hung([job()], 1000.0) == []


def test_the_time_counts_anew_for_each_message(step):
    step.hung([job(1, child=CHILD)], 100.0)
    step.hung([job(2, child=CHILD)], 105.0)

    assert step.hung([job(2, child=CHILD)], 101.0 + ACCEPT_S) == []


def test_a_run_beyond_its_hard_limit_is_hung(step):
    running = job(accepted_s=50.0, child=CHILD)

    assert step.hung([running], 65.0 + OVERDUE_S) == []
    ((pid, reason),) = step.hung([running], 65.1 + OVERDUE_S)
    assert (pid, reason) == (7, "its run goes on beyond the hard limit of 15 s")


def test_a_task_without_a_limit_may_run(step):
    assert step.hung([job(accepted_s=0.0, limit_s=None)], 1e6) == []


def test_a_look_kills_the_hung_and_replaces_the_dead(step, monkeypatch):
    killed, replaced = [], []
    monkeypatch.setattr("scanner_app.workers.children.os.kill", lambda pid, _: killed.append(pid))
    monkeypatch.setattr("scanner_app.workers.children.time.monotonic", lambda: 100.0)
    dead = SimpleNamespace(pid=9, exitcode=-11)
    pool = SimpleNamespace(
        _pool=SimpleNamespace(_pool=[CHILD, dead], _cache={1: job(accepted_s=10.0)}),
        maintain_pool=lambda: replaced.append(True),
    )

    step.look(pool)

    assert (killed, replaced) == ([7], [True])


@pytest.fixture
def pool():
    """A real pool of two children that no event loop looks after yet, as in a worker that starts."""
    processes = AsynPool(processes=2, threads=False)
    yield SimpleNamespace(_pool=processes, maintain_pool=processes.maintain_pool)
    processes.terminate()


def kill(child):
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: child.exitcode is not None, "the child is dead")


def test_a_child_that_dies_while_its_worker_starts_is_replaced_by_one_that_works(pool):
    hub = Hub()
    done: list[int] = []

    def turn():
        hub.run_once()
        return done

    for child in tuple(pool._pool._pool):
        kill(child)

    replace_dead(pool, hub)
    pool._pool.register_with_event_loop(hub)
    pool._pool.apply_async(os.getpid, callback=done.append)
    wait_until(turn, "a child has answered")

    assert done[0] in {child.pid for child in pool._pool._pool}
    assert len(pool._pool._pool) == 2


def test_a_worker_of_which_one_child_died_has_started(pool):
    one, other = pool._pool._pool

    kill(one)
    assert some_live(pool)

    kill(other)
    assert not some_live(pool)


def test_a_child_that_ends_waits_two_seconds_for_its_parent_and_not_thirty(monkeypatch):
    monkeypatch.setattr("billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 300)
    waits_s: list[float] = []
    monkeypatch.setattr("billiard.pool.time.sleep", waits_s.append)
    never_counted: Any = SimpleNamespace(on_ready_counter=SimpleNamespace(value=0))
    worker: Any = Worker

    end_soon()
    worker._ensure_messages_consumed(never_counted, completed=1)

    assert sum(waits_s) == pytest.approx(2)
