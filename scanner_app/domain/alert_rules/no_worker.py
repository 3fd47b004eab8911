"""No living worker consumes the queues of a shard of a lane."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, WorkerFacts
from scanner_app.domain.enums import Lane, Severity
from scanner_app.domain.worker_roles import LANE_ROLES


def consumers(lane: str, shard: int, shards: int) -> str:
    """The name for the workers that should consume this shard of a lane, such as "main 0/1": a subject of this rule."""
    return f"{lane} {shard}/{shards}"


def shards_of(workers: Iterable[WorkerFacts]) -> int:
    """The number of shards according to the living workers' heartbeats; 1 without workers.

    Not read from the settings, because the evaluating process consumes no shard and may lack the setting.
    """
    return max((int(worker.shard.partition("/")[2]) for worker in workers if worker.role in LANE_ROLES), default=1)


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each shard of each lane without a living worker. An unsharded worker (0/1) serves every shard.

    Other roles don't belong here: without the upkeep worker no rule is evaluated, which the status shows, and the
    notify worker has its own rule, no_notifier.
    """
    if not facts.broker.answers:
        return None
    shards = shards_of(facts.broker.workers)
    living = {f"{worker.role} {worker.shard}" for worker in facts.broker.workers}
    return [
        Finding(message=f"No living worker consumes {subject} (lane, shard of shards): its bars wait.", subject=subject)
        for lane in Lane
        for shard in range(shards)
        if (subject := consumers(lane, shard, shards)) not in living and f"{lane} 0/1" not in living
    ]


RULE = Rule(
    name="no_worker",
    severity=Severity.ERROR,
    title="no worker",
    find=find,
    for_s=20,  # a restarted worker is back in about ten seconds
    clear_s=30,  # meanwhile the waiting bars are worked off, so the rules muted by this one don't fire for them
    renew_s=1_800,
)
