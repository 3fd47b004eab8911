"""States, hits and failures of traders' rules are stored with the bar's completion, or not at all."""

from scanner_app import mailbox
from scanner_app.domain.enums import Outcome
from scanner_app.domain.hits import State
from scanner_app.mailbox import hits
from scanner_app.mailbox.hits import Judged, NewFailure, NewHit
from scanner_app.models import Hit, RuleFailure, RuleStates
from tests.conftest import T0

JUDGED = Judged(
    states={7: State(1, True, 5), 8: State(2, None)},
    hits=[NewHit(7, {"close": 11.0, "volume": None})],
    failures=[NewFailure(8, 2, "KeyError: 'x'")],
)


def test_what_the_rules_said_is_stored_with_the_completion(dispatched_head) -> None:
    symbol, ticket = dispatched_head()
    assert mailbox.complete(ticket, [], now=T0, judged=JUDGED) is Outcome.COMPLETED
    hit = Hit.objects.get()
    assert (hit.rule_id, hit.symbol, hit.bar_id, hit.timestamp) == (7, symbol, ticket.bar_id, ticket.timestamp)
    assert (hit.timeframe, hit.late, hit.created_at) == ("1d", False, T0)
    assert hit.values == {"close": 11.0, "volume": None}
    failure = RuleFailure.objects.get()
    assert (failure.rule_id, failure.revision, failure.error, failure.timestamp) == (
        8,
        2,
        "KeyError: 'x'",
        ticket.timestamp,
    )
    assert hits.read_states(symbol.pk, "1d") == JUDGED.states
    assert hits.read_states(symbol.pk, "1m") == {}


def test_a_completion_that_is_superseded_stores_nothing(dispatched_head) -> None:
    _, ticket = dispatched_head()
    mailbox.complete(ticket, [], now=T0)
    assert mailbox.complete(ticket, [], now=T0, judged=JUDGED) is Outcome.SUPERSEDED
    assert not any(table.objects.exists() for table in (Hit, RuleStates, RuleFailure))


def test_the_same_hit_of_the_same_bar_is_stored_once_and_fails_nothing(dispatched_head) -> None:
    _, ticket = dispatched_head()
    hits.store(ticket, JUDGED, now=T0)
    hits.store(ticket, JUDGED, now=T0)
    assert (Hit.objects.count(), RuleFailure.objects.count(), RuleStates.objects.count()) == (1, 1, 1)


def test_without_anything_to_store_the_states_stay(dispatched_head) -> None:
    symbol, ticket = dispatched_head()
    hits.store(ticket, JUDGED, now=T0)
    hits.store(ticket, Judged(), now=T0)
    assert hits.read_states(symbol.pk, "1d") == JUDGED.states


def test_rows_of_a_deleted_symbol_are_removed(dispatched_head) -> None:
    symbol, ticket = dispatched_head()
    mailbox.complete(ticket, [], now=T0, judged=JUDGED)
    mailbox.delete(symbol, by="ann", now=T0)
    while mailbox.remove_rows(symbol.pk):
        pass
    assert not any(table.objects.exists() for table in (Hit, RuleStates, RuleFailure))
