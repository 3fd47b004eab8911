"""What the schema calls an error is one: nothing is converted or ignored."""

import pytest

from scanner_app.models import Symbol
from tests.api.conftest import API


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        pytest.param("post", "symbols", {"symbol": 5}, "symbol", id="a number for text"),
        pytest.param("post", "symbols", {"symbol": ""}, "symbol", id="no text"),
        pytest.param("patch", "symbols/TSLA", {"enabled": "false"}, "enabled", id="text for false"),
        pytest.param("patch", "symbols/TSLA", {"enabled": 0}, "enabled", id="0 for false"),
        pytest.param("post", "symbols/TSLA/disable", {"reason": 5}, "reason", id="a number for a reason"),
        pytest.param("post", "quarantine/discard", {"all": 1}, "all", id="1 for true"),
    ],
)
def test_a_body_with_another_type_of_value_is_a_400_and_changes_nothing(operator, symbol, method, path, body, field):
    answer = getattr(operator, method)(f"{API}/{path}", body, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert [(one.ticker, one.enabled) for one in Symbol.objects.all()] == [("TSLA", True)]


@pytest.mark.parametrize(
    "path", ["alerts?active=perhaps", "signals?withdrawn=2", "symbols?enabled=no", "silences?active=perhaps"]
)
def test_a_filter_that_is_neither_true_nor_false_is_a_400(reader, path):
    answer = reader.get(f"{API}/{path}")

    assert answer.status_code == 400
    assert list(answer.json().values()) == [["must be true or false"]]


@pytest.mark.parametrize("query", ["enabled=true", "enabled=TRUE", "enabled=1", "enabled="])
def test_true_may_be_written_in_several_ways_and_nothing_is_no_filter(reader, symbol, query):
    (row,) = reader.get(f"{API}/symbols?{query}").json()["results"]

    assert row["symbol"] == "TSLA"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "bars/{}/timeline"),
        ("post", "quarantine/{}/replay"),
        ("post", "quarantine/{}/discard"),
        ("post", "alerts/{}/acknowledge"),
        ("post", "alerts/{}/silence"),
        ("delete", "silences/{}"),
    ],
)
def test_an_id_that_no_database_has_is_not_found_however_long_it_is(operator, method, path):
    answers = [getattr(operator, method)(f"{API}/{path.format('9' * digits)}") for digits in (30, 5_000)]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("path", ["symbols", "symbols/reset", "silences", "quarantine/discard"])
def test_a_body_without_bars_has_a_size(operator, path):
    answer = operator.post(f"{API}/{path}", b"[" + b"{}," * 40_000 + b"{}]", content_type="application/json")

    assert (answer.status_code, answer.json()) == (413, {"detail": "The body may have at most 100,000 bytes."})
