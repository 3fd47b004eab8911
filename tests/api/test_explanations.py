"""`symbols/{symbol}/explain`: why a symbol is in its state."""

import pytest
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.engine import removal
from scanner_app.models import Bar, ProcessingFailure
from tests.api.conftest import API
from tests.conftest import T0


def test_an_explanation_says_why_what_happens_next_and_what_can_be_done(reader, paused):
    answer = reader.get(f"{API}/symbols/BTC%2FUSD/explain")

    assert answer.status_code == 200
    said = answer.json()
    assert (said["symbol"], said["code"], said["waiting"]) == ("BTC/USD", "retry", 2)
    assert said["summary"].startswith("Paused since ")
    assert "failure 1 of 3 on the 1d bar of 2024-01-01" in said["summary"]
    assert said["cause"] == "ValueError: no good."
    assert "if it fails, it is tried again 2 s later" in said["next"]
    assert said["text"].endswith("You can reset it now, skip the bar or disable the symbol.")
    assert said["since"] == ProcessingFailure.objects.get().failed_at.isoformat().replace("+00:00", "Z")
    assert said["next_attempt_at"].endswith("Z")
    assert [one["name"] for one in said["actions"]] == ["reset", "skip", "disable"]


@pytest.mark.parametrize(
    ("who", "allowed"), [("reader", False), ("feeder", False), ("operator", True), ("staff", True)]
)
def test_an_action_says_whether_the_user_may_do_it(request, paused, who, allowed):
    client = request.getfixturevalue(who)

    actions = client.get(f"{API}/symbols/BTC%2FUSD/explain").json()["actions"]

    assert {one["allowed"] for one in actions} == {allowed}
    reset = actions[0]
    answer = client.post(reset["path"], {**reset["body"], "reason": "mended"}, format="json")
    assert answer.status_code == (200 if allowed else 403), "`allowed` is true, and the request works"


def test_the_request_for_an_action_on_bars_in_quarantine_works_as_given(operator, paused):
    mailbox.skip(paused, by="olga", now=T0)
    actions = {one["name"]: one for one in operator.get(f"{API}/symbols/btc/usd/explain").json()["actions"]}

    answer = operator.post(actions["discard"]["path"], actions["discard"]["body"], format="json")

    assert (answer.status_code, answer.json()) == (200, {"count": 1})


@pytest.mark.parametrize("spelling", ["BTC%2FUSD", "BTC/USD", "btc%2fusd"])
@pytest.mark.parametrize("what", ["explain", "timeline"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_ticker_with_a_slash_is_found_in_every_spelling(reader, paused, spelling, what, slash):
    assert reader.get(f"{API}/symbols/{spelling}/{what}{slash}").status_code == 200


@pytest.mark.parametrize("what", ["explain", "timeline"])
@pytest.mark.parametrize("ticker", ["NOPE", "BRK%2FB"])
def test_an_unknown_symbol_is_a_404(reader, db, what, ticker):
    answer = reader.get(f"{API}/symbols/{ticker}/{what}")

    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_symbol_that_is_being_deleted_is_explained_but_its_timelines_are_hidden(reader, paused):
    bar = Bar.objects.get(sequence=1)
    removal.delete(paused, by="olga", now=timezone.now(), force=True, reason="delisted")

    said = reader.get(f"{API}/symbols/BTC%2FUSD/explain").json()

    assert (said["code"], said["actions"]) == ("deleted", [])
    assert said["cause"] == "olga deleted the symbol: delisted."
    assert reader.get(f"{API}/symbols/BTC%2FUSD/timeline").status_code == 404
    assert reader.get(f"{API}/bars/{bar.pk}/timeline").status_code == 404
