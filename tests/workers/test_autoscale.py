from types import SimpleNamespace

import celery.worker.state as worker_state
import pytest

from scanner_app.workers import autoscale

NOW_S = 1_000.0
QUICK, LONG = NOW_S - 0.1, NOW_S - 5


@pytest.mark.parametrize(
    ("started", "slots", "wanted"),
    [
        ([], 4, 4),
        ([None, QUICK, QUICK, QUICK], 4, 4),  # all are taken, but by quick runs
        ([LONG, LONG], 4, 4),  # two are free
        ([LONG, QUICK, QUICK, None], 4, 5),
        ([LONG] * 4, 4, 7),  # the bound
        ([LONG] * 4 + [QUICK], 7, 7),  # what was added stays while they hang
        ([LONG, QUICK], 7, 5),  # and is taken back with their end
        ([QUICK], 7, 4),
    ],
)
def test_each_run_that_takes_long_has_one_slot_more_made_for_the_others(started, slots, wanted):
    assert autoscale.wanted_slots(started, NOW_S, slots=slots, base=4, spare=3, long_s=1.0) == wanted


class Pool:
    def __init__(self, processes: int = 2) -> None:
        self.num_processes = processes
        self.maintained = 0
        self._pool = SimpleNamespace(_cache={})

    def shrink(self, less):
        self.num_processes -= less

    def grow(self, more):
        self.num_processes += more

    def maintain_pool(self):
        self.maintained += 1


@pytest.mark.parametrize(
    ("processes", "slots", "jobs", "since_s", "left"),
    [
        pytest.param(4, 2, 0, autoscale.SPARE_S + 1, 3, id="one at a time, once none is needed for a while"),
        pytest.param(4, 2, 0, autoscale.SPARE_S - 1, 4, id="not yet: the hanging may go on"),
        pytest.param(4, 2, 1, autoscale.SPARE_S + 1, 4, id="not while a bar is with any process"),
        pytest.param(4, 3, 0, autoscale.SPARE_S + 1, 4, id="not while a run hangs"),
        pytest.param(2, 2, 0, autoscale.SPARE_S + 1, 2, id="never one of the first"),
    ],
)
def test_a_process_that_was_added_is_ended_when_it_is_idle_for_long(processes, slots, jobs, since_s, left):
    pool = Pool(processes)
    pool._pool._cache.update(dict.fromkeys(range(jobs)))
    parent = SimpleNamespace(pool=pool, hostname="main@here", controller=SimpleNamespace(concurrency=2))
    step = SimpleNamespace(slots=slots, needed_s=NOW_S - since_s)

    autoscale.Autoscale.end_spare(step, parent, NOW_S)  # type: ignore[arg-type] # a step is too much to make

    assert pool.num_processes == left
    assert (step.needed_s == NOW_S) is (slots > 2)


def test_slots_come_and_go_and_processes_stay(monkeypatch, settings):
    settings.SCANNER_AUTOSCALE_PROCESSES = 4
    pool, prefetch = Pool(), [2]
    qos = SimpleNamespace(
        increment_eventually=lambda more: prefetch.append(prefetch[-1] + more),
        decrement_eventually=lambda less: prefetch.append(prefetch[-1] - less),
    )
    parent = SimpleNamespace(pool=pool, hostname="main@here", controller=SimpleNamespace(concurrency=2), qos=qos)
    step = SimpleNamespace(slots=2, end_spare=lambda *_: None)
    hung = [SimpleNamespace(time_start=0.0)] * 2

    for running in (hung, hung, [], hung):
        monkeypatch.setattr(worker_state, "active_requests", running)
        autoscale.Autoscale.look(step, parent)  # type: ignore[arg-type] # a step is too much to make

    assert prefetch == [2, 4, 2, 4]
    assert pool.num_processes == 4
    assert pool.maintained == 1
