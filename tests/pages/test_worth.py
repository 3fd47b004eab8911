"""The page of what signals were worth."""

import pytest
from django.contrib.auth.models import User

from scanner_app.models import Rule, SignalWorth
from tests.conftest import T0

pytestmark = pytest.mark.django_db

FIGURES = {"detector": "d", "direction": "bearish", "timeframe": "1d", "count": 41, "clusters": 38, "computed_at": T0}
MEANS = {"mean_return": 0.012, "baseline_return": 0.011, "hit_rate": 0.48, "baseline_hit_rate": 0.47, "lift": 0.001}


def store(pattern, horizon=5, *, low=-0.01, high=0.012, verdict="no_edge_shown", **values):
    figures = {**FIGURES, **MEANS, **values}
    SignalWorth.objects.create(
        pattern=pattern, horizon=horizon, lift_low=low, lift_high=high, verdict=verdict, **figures
    )


@pytest.fixture
def page(reader):
    return lambda query="": reader.get(f"/worth/{query}")


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/worth/").url == "/login/?next=/worth/"


def test_before_the_first_computation_it_says_when_it_comes(page):
    assert "manage.py worth" in page().content.decode()


def test_the_surest_edge_comes_first_and_what_is_too_few_last(page):
    store("B_NOTHING")
    store("A_EDGE", low=0.001, verdict="edge")
    store("C_FEW", low=None, high=None, verdict="too_few")

    text = page().content.decode()

    assert text.index("A_EDGE") < text.index("B_NOTHING") < text.index("C_FEW")
    assert "41 times, 48 % down after 5 bars; without it 47 %: no edge shown" in text
    assert "Too few to say (1)" in text
    assert "Worked out 2024-05-31 14:30 UTC; again a day later, or now by <code>manage.py worth</code>" in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"FIVE"}),
        ("?horizon=1", {"ONE", "HOURLY"}),
        ("?horizon=1&timeframe=1h", {"HOURLY"}),
        ("?horizon=7&timeframe=x", {"FIVE"}),
        ("?horizon=" + "9" * 5_000, {"FIVE"}),
    ],
)
def test_horizon_and_timeframe_are_chosen(page, query, shown):
    store("FIVE")
    store("ONE", 1)
    store("HOURLY", 1, timeframe="1h")

    answer = page(query)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert {name for name in ("FIVE", "ONE", "HOURLY") if name in text} == shown


def test_one_horizon_alone_is_shown(page):
    store("ONLY", 1)

    assert "ONLY" in page().content.decode()


def test_rules_that_one_may_read_are_shown_by_their_names(page):
    rita, tom = User.objects.get(username="rita"), User.objects.create_user("tom")
    fields = {"expression": "close > 1", "timeframes": ["1d"], "created_at": T0, "changed_at": T0}
    for owner, name in ((rita, "My cross"), (tom, "His secret")):
        made = Rule.objects.create(owner=owner, name=name, **fields)
        store("", rule_id=made.pk, detector="", direction="neutral")

    text = page().content.decode()

    assert 'My cross <span class="fine">rule, 1d</span>' in text
    assert "41 times, 48 % up after 5 bars" in text
    assert "His secret" not in text
    assert text.count('data-verdict="') == 1


def test_figures_that_are_all_zero_are_drawn_in_the_middle(page):
    store("FLAT", low=0, high=0, lift=0)

    assert 'cx="100.0"' in page().content.decode()
