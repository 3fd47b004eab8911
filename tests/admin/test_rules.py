"""Rules, hits and their failures in the admin: to look at."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from scanner_app.models import Hit, Rule, RuleFailure
from tests.api.conftest import signal_on
from tests.conftest import T0, make_symbol


@pytest.fixture
def rows(db):
    owner = User.objects.create_user("trader")
    rule = Rule.objects.create(
        owner=owner, name="Up", expression="close > 1", timeframes=["1d"], created_at=T0, changed_at=T0
    )
    signal = signal_on(make_symbol("TSLA"), 0)
    hit = Hit.objects.create(
        rule_id=rule.pk, symbol=signal.symbol, bar=signal.bar, timeframe="1d", timestamp=T0,
        values={"close": 11.0, "volume": None}, created_at=T0,
    )  # fmt: skip
    failure = RuleFailure.objects.create(
        rule_id=rule.pk, symbol=signal.symbol, timeframe="1d", timestamp=T0, revision=1, error="KeyError: x", at=T0
    )
    return {"rule": rule, "hit": hit, "rulefailure": failure}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rule", ["Up", "close &gt; 1", "failed"]),
        ("hit", ["TSLA", "close 11.0, volume not known"]),
        ("rulefailure", ["KeyError: x"]),
    ],
)
def test_lists_and_pages_are_shown(admin_client, rows, name, said):
    for path in (
        reverse(f"admin:scanner_app_{name}_changelist"),
        reverse(f"admin:scanner_app_{name}_change", args=[rows[name].pk]),
    ):
        answer = admin_client.get(path)
        assert answer.status_code == 200
        for text in said:
            assert text in answer.content.decode(), (path, text)


def test_a_deleted_rule_is_not_shown(admin_client, rows):
    Rule.objects.update(deleted_at=T0)
    assert "close &gt; 1" not in admin_client.get(reverse("admin:scanner_app_rule_changelist")).content.decode()
