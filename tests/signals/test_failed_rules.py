"""Which traders' rules an alert tells of."""

from datetime import timedelta

import pytest
from django.utils import timezone

from scanner_app.models import Rule, RuleFailure
from scanner_app.signals import rules
from tests.conftest import make_symbol
from tests.signals.conftest import make_rule

pytestmark = pytest.mark.django_db


def fail(rule: Rule, ticker: str, *, minutes: int, revision: int = 1) -> None:
    at = timezone.now() + timedelta(minutes=minutes)
    symbol = make_symbol(ticker)
    RuleFailure.objects.create(
        rule_id=rule.pk, symbol=symbol, timeframe="1d", timestamp=at, revision=revision, error=f"{ticker}.", at=at
    )


def test_each_rule_with_its_newest_failure_whatever_their_number_in_two_queries(django_assert_num_queries):
    first, second = make_rule(name="first"), make_rule(name="second")  # called "second 1"
    fail(first, "AAA", minutes=2)
    fail(first, "BBB", minutes=1)
    fail(second, "CCC", minutes=1)

    with django_assert_num_queries(2):
        found = rules.failed_rules(20)

    assert [(one["name"], one["series"], one["ticker"], one["error"]) for one in found] == [
        ("first", 2, "AAA", "AAA"),
        ("second 1", 1, "CCC", "CCC"),
    ]


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"revision": 2}, {"deleted_at": timezone.now()}], ids=["off", "changed", "deleted"]
)
def test_not_those_that_are_off_or_were_changed_since(change):
    rule = make_rule()
    fail(rule, "AAA", minutes=0)
    Rule.objects.filter(pk=rule.pk).update(**change)

    assert rules.failed_rules(20) == []
