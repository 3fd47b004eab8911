"""Channels and deliveries in the admin."""

import pytest
from django.urls import reverse
from django.utils import timezone

from scanner_app.domain.enums import ChannelKind
from scanner_app.models import Channel, Delivery
from scanner_app.signals import deliveries
from tests.signals.conftest import make_channel, make_hit, make_rule


@pytest.fixture
def channel(db):
    return make_channel(ChannelKind.WEBHOOK, "https://bot.example.org/very-secret")[0]


@pytest.fixture
def delivery(channel):
    make_hit(make_rule(channel), timezone.now())
    deliveries.make(timezone.now())
    return Delivery.objects.get()


def act(client, model, action, row):
    path = reverse(f"admin:scanner_app_{model}_changelist")
    return client.post(path, {"action": action, "_selected_action": [row.pk], "reason": ""}, follow=True)


def test_lists_and_pages_are_shown_without_secrets(admin_client, channel, delivery):
    for name, row in (("channel", channel), ("delivery", delivery)):
        for path in (
            reverse(f"admin:scanner_app_{name}_changelist"),
            reverse(f"admin:scanner_app_{name}_change", args=[row.pk]),
        ):
            answer = admin_client.get(path)
            assert answer.status_code == 200
            assert "very-secret" not in answer.content.decode()
    assert "TSLA 1d" in admin_client.get(reverse("admin:scanner_app_delivery_changelist") + "?q=tsla").content.decode()


def test_a_channel_is_tested_and_switched_off_and_on(admin_client, channel):
    act(admin_client, "channel", "test", channel)
    assert Delivery.objects.get().rule_id is None
    act(admin_client, "channel", "switch_off", channel)
    assert not Channel.objects.get().enabled
    Channel.objects.update(failures=3)
    act(admin_client, "channel", "switch_on", channel)
    assert (Channel.objects.get().enabled, Channel.objects.get().failures) == (True, 0)


def test_a_delivery_is_sent_again_unless_it_was_sent(admin_client, delivery):
    Delivery.objects.update(state="given_up", next_attempt_at=None)

    answer = act(admin_client, "delivery", "retry", delivery)

    assert "1 message will be sent again" in answer.content.decode()
    assert Delivery.objects.get().state == "waiting"
    Delivery.objects.update(state="sent")
    assert "0 messages" in act(admin_client, "delivery", "retry", delivery).content.decode()
