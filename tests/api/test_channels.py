"""Channels and deliveries over HTTP."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from standardwebhooks import Webhook

from scanner_app.models import Channel, Delivery
from scanner_app.signals import channels, deliveries
from tests.api.conftest import API
from tests.signals.conftest import make_hit, make_rule

pytestmark = pytest.mark.django_db

HOOK = {"name": "bot", "kind": "webhook", "url": "https://bot.example.org/hooks/very-secret?key=also-secret"}


def made(operator, **values):
    answer = operator.post(f"{API}/channels", {**HOOK, **values}, format="json")
    assert answer.status_code == 201, answer.data
    return answer.data


def test_a_webhooks_secret_is_shown_once_and_its_address_without_secrets(operator):
    new = made(operator)

    Webhook(new["secret"])
    (listed,) = operator.get(f"{API}/channels").data["results"]
    assert "secret" not in listed
    assert listed["url"] == "https://bot.example.org/…"
    assert "very-secret" not in str(new)


def test_nothing_in_the_database_gives_a_secret_away(operator):
    new = made(operator)

    (row,) = Channel.objects.values()
    assert not any(secret in str(row) for secret in ("very-secret", "also-secret", new["secret"]))
    stored = Channel.objects.get()
    assert channels.receiver(stored).url == HOOK["url"]
    assert channels.secret_of(stored) == new["secret"]


def test_channels_need_the_permission_of_operators(reader, operator):
    row = made(operator)

    answers = [
        reader.get(f"{API}/channels"),
        reader.post(f"{API}/channels", HOOK, format="json"),
        reader.patch(f"{API}/channels/{row['id']}", {"name": "x"}, format="json"),
        reader.delete(f"{API}/channels/{row['id']}"),
        reader.post(f"{API}/channels/{row['id']}/test"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:pass@example.org"}, "url"),
        ({"url": "http://127.0.0.1:8000/"}, "url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "http://localhost/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "http://[not-an-address"}, "url"),
        ({"kind": "apprise", "url": "nonsense://x"}, "url"),
        ({"kind": "apprise", "url": "json://192.168.0.1/x"}, "url"),
        ({"kind": "apprise", "url": "mailtos://u:p@example.org, json://192.168.0.1/x"}, "url"),
        ({"kind": "pigeon"}, "kind"),
        ({"name": ""}, "name"),
        ({"quiet_from": "22:00"}, "quiet_to"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet_to"),
        ({"quiet_from": "25:00", "quiet_to": "07:00"}, "quiet_from"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"quiet_calendar": "XNYSE"}, "quiet_calendar"),
        ({"quiet_form": "22:00"}, "quiet_form"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field_and_makes_nothing(operator, values, field):
    answer = operator.post(f"{API}/channels", {**HOOK, **values}, format="json")

    assert answer.status_code == 400
    assert list(answer.data) == [field]
    assert not Channel.objects.exists()


def test_a_name_is_taken_once_and_free_again_after_deleting(operator):
    row = made(operator)

    assert list(operator.post(f"{API}/channels", HOOK, format="json").data) == ["name"]
    assert operator.delete(f"{API}/channels/{row['id']}").status_code == 204
    assert operator.get(f"{API}/channels").data["results"] == []
    assert operator.delete(f"{API}/channels/{row['id']}").status_code == 404
    made(operator)


def test_a_change_keeps_what_it_does_not_name(operator):
    row = made(operator, quiet_from="22:00", quiet_to="07:00", timezone="Europe/Berlin")

    answer = operator.patch(f"{API}/channels/{row['id']}", {"enabled": False}, format="json")

    assert answer.data["enabled"] is False
    assert (answer.data["quiet_from"], answer.data["timezone"]) == ("22:00", "Europe/Berlin")
    assert channels.receiver(Channel.objects.get()).url == HOOK["url"]
    refused = operator.patch(f"{API}/channels/{row['id']}", {"quiet_to": None}, format="json")
    assert list(refused.data) == ["quiet_to"]


def test_a_new_address_is_sealed_and_forgets_old_failures(operator):
    row = made(operator)
    Channel.objects.update(failures=3, paused_until=timezone.now(), last_error="answered 500")

    answer = operator.patch(f"{API}/channels/{row['id']}", {"url": "https://other.example.org/x"}, format="json")

    assert (answer.data["url"], answer.data["failures"]) == ("https://other.example.org/…", 0)
    assert channels.receiver(Channel.objects.get()).url == "https://other.example.org/x"


def test_a_test_message_is_a_delivery_that_can_be_looked_up(operator):
    row = made(operator)

    answer = operator.post(f"{API}/channels/{row['id']}/test")

    assert answer.status_code == 202
    (listed,) = operator.get(f"{API}/deliveries?state=waiting").data["results"]
    assert listed == answer.json()
    assert (listed["hit"], listed["rule"]) == (None, None)


def test_a_user_sees_the_deliveries_of_his_own_rules_and_may_retry_them(operator, reader, client_of):
    row = Channel.objects.get(pk=made(operator)["id"])
    rule = make_rule(row)
    make_hit(rule, timezone.now())
    deliveries.make(timezone.now())
    Delivery.objects.update(state="given_up", attempts=30, next_attempt_at=None)
    (shown,) = operator.get(f"{API}/deliveries?rule={rule.pk}").data["results"]

    assert reader.get(f"{API}/deliveries").data["results"] == []
    assert reader.post(f"{API}/deliveries/{shown['id']}/retry").status_code == 404
    rule.owner = User.objects.get(username="rita")
    rule.save()
    answer = reader.post(f"{API}/deliveries/{shown['id']}/retry")
    assert (answer.status_code, answer.data["state"], answer.data["attempts"]) == (200, "waiting", 0)
    Delivery.objects.update(state="sent")
    assert reader.post(f"{API}/deliveries/{shown['id']}/retry").status_code == 409


@pytest.mark.parametrize("query", ["rule=x", "rule=-1", "channel=1.5", "state=lost", f"rule={10**30}"])
def test_a_wrong_parameter_is_refused_by_its_name(operator, query):
    answer = operator.get(f"{API}/deliveries?{query}")

    assert answer.status_code == 400
    assert list(answer.data) == [query.partition("=")[0]]
