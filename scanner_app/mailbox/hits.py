"""What traders' rules said of a bar, stored by the transaction that completes it: so exactly once.

The states of a series are read before the run. Nobody else writes them: only the symbol's head is completed, and only
once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from scanner_app.domain.hits import State
from scanner_app.mailbox.statements import as_json, one_row, run_many, to_database
from scanner_app.mailbox.tickets import Ticket

_READ_STATES = "SELECT states FROM scanner_app_rulestates WHERE symbol_id = %s AND timeframe = %s"

_WRITE_STATES = """
    INSERT INTO scanner_app_rulestates (symbol_id, timeframe, states) VALUES (%s, %s, %s)
        ON CONFLICT (symbol_id, timeframe) DO UPDATE SET states = excluded.states
"""

# A correction runs the same bar again: what was told of it once is not told again, and must not fail it.
_INSERT_HIT = """
    INSERT INTO scanner_app_hit (rule_id, symbol_id, bar_id, timeframe, timestamp, "values", late, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (bar_id, rule_id) DO NOTHING
"""

_INSERT_FAILURE = """
    INSERT INTO scanner_app_rulefailure (rule_id, symbol_id, timeframe, timestamp, revision, error, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (rule_id, symbol_id, timeframe) DO UPDATE
       SET timestamp = excluded.timestamp, revision = excluded.revision, error = excluded.error, at = excluded.at
"""


@dataclass(frozen=True, slots=True)
class NewHit:
    """A rule that became true."""

    rule_id: int
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class NewFailure:
    """A rule that raised."""

    rule_id: int
    revision: int
    error: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be stored of the rules' answers about a bar."""

    states: Mapping[int, State] | None = None  # all of the series; None: as they were
    hits: Sequence[NewHit] = field(default_factory=list)
    failures: Sequence[NewFailure] = field(default_factory=list)


def read_states(symbol_id: int, timeframe: str) -> dict[int, State]:
    """What each rule said last of the series, by the rule's id."""
    row = one_row(_READ_STATES, [symbol_id, timeframe])
    if row is None:
        return {}
    stored = orjson.loads(row[0]) if isinstance(row[0], str) else row[0]
    return {int(rule_id): State(*values) for rule_id, values in stored.items()}


def store(ticket: Ticket, judged: Judged, *, now: datetime) -> None:
    """Store states, hits and failures. The caller's transaction holds the lock of the symbol's status row."""
    symbol_id, timestamp = ticket.message.symbol_id, to_database(ticket.timestamp)
    if judged.states is not None:
        states = {str(rule_id): list(state) for rule_id, state in judged.states.items()}
        run_many(_WRITE_STATES, [(symbol_id, ticket.timeframe, as_json(states))])
    key = (symbol_id, ticket.bar_id, ticket.timeframe, timestamp)
    run_many(
        _INSERT_HIT,
        [(hit.rule_id, *key, as_json(hit.values), ticket.late, to_database(now)) for hit in judged.hits],
    )
    run_many(
        _INSERT_FAILURE,
        [
            (one.rule_id, symbol_id, ticket.timeframe, timestamp, one.revision, one.error, to_database(now))
            for one in judged.failures
        ],
    )
