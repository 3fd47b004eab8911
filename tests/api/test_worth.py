"""`worth`: the list."""

import pytest
from django.contrib.auth.models import User

from scanner_app.models import Rule, SignalWorth
from tests.api.conftest import API
from tests.conftest import T0

FIGURES = {
    "detector": "candlesticks",
    "pattern": "CDLHAMMER",
    "direction": "bullish",
    "timeframe": "1d",
    "horizon": 5,
    "count": 41,
    "clusters": 38,
    "mean_return": 0.012,
    "baseline_return": 0.011,
    "hit_rate": 0.48,
    "baseline_hit_rate": 0.47,
    "lift": 0.001,
    "lift_low": -0.01,
    "lift_high": 0.012,
    "verdict": "no_edge_shown",
}


@pytest.fixture
def stored(db):
    SignalWorth.objects.create(**FIGURES, computed_at=T0)
    few = {"lift_low": None, "lift_high": None, "verdict": "too_few", "horizon": 10, "timeframe": "1h"}
    SignalWorth.objects.create(**{**FIGURES, **few}, computed_at=T0)


def test_a_row_has_every_documented_field(reader, stored):
    (row,) = reader.get(f"{API}/worth?verdict=no_edge_shown").json()["results"]

    words = "41 times, 48 % up after 5 bars; without it 47 %: no edge shown"
    assert row == {
        "id": row["id"], "rule": None, **FIGURES, "words": words, "computed_at": "2024-05-31T14:30:00Z",
    }  # fmt: skip


@pytest.fixture
def of_rules(stored, reader):
    """A row of a rule of the reader's, one of a shared rule of another user, one of a rule that nobody else reads."""
    users = [User.objects.get(username="rita"), *(User.objects.create_user(name) for name in ("sam", "tom"))]
    fields = {"expression": "close > 1", "timeframes": ["1d"], "created_at": T0, "changed_at": T0}
    made = [Rule.objects.create(owner=user, name="r", shared=user.username == "sam", **fields) for user in users]
    for rule in made:
        of_rule = {"detector": "", "pattern": "", "direction": "neutral", "rule_id": rule.pk}
        SignalWorth.objects.create(**{**FIGURES, **of_rule}, computed_at=T0)
    return [rule.pk for rule in made]


def test_rows_of_rules_are_for_those_who_may_read_the_rule(reader, of_rules):
    own, shared, others = of_rules

    answer = reader.get(f"{API}/worth?of=rules").json()["results"]

    assert sorted(row["rule"] for row in answer) == [own, shared]
    assert [row["rule"] for row in reader.get(f"{API}/worth?rule={shared}").json()["results"]] == [shared]
    assert reader.get(f"{API}/worth?rule={others}").status_code == 404
    assert {row["rule"] for row in reader.get(f"{API}/worth?of=detectors").json()["results"]} == {None}
    assert len(reader.get(f"{API}/worth").json()["results"]) == 4


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("?detector=candlesticks&pattern=CDLHAMMER", 2),
        ("?pattern=spring", 0),
        ("?timeframe=60m", 1),
        ("?horizon=5", 1),
        ("?verdict=too_few", 1),
    ],
)
def test_filters(reader, stored, query, found):
    assert len(reader.get(f"{API}/worth{query}").json()["results"]) == found


@pytest.mark.parametrize(
    "query", ["horizon=x", "horizon=0", "horizon=1.5", "of=x", "rule=x", "verdict=good", "timeframe=7m"]
)
def test_a_wrong_value_names_its_parameter(reader, stored, query):
    answer = reader.get(f"{API}/worth?{query}")

    assert (answer.status_code, list(answer.json())) == (400, [query.partition("=")[0]])
