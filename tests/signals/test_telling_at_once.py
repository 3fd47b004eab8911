"""Several processes tell hits at the same time: each hit is told once by each channel."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from scanner_app.domain.enums import ChannelKind
from scanner_app.models import Delivery, Hit
from scanner_app.signals import hit_messages, telling
from tests.signals.conftest import make_channel, make_hit, make_rule
from tests.signals.test_numbering import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

RULES, SYMBOLS = 6, 10


def test_each_hit_is_told_once_by_each_channel(monkeypatch):
    sent: list[tuple[int | None, int]] = []

    def send(row: Delivery, *_: Any) -> None:
        sent.append((row.hit_id, row.channel_id))

    monkeypatch.setattr(hit_messages, "send", send)
    channels = [make_channel(ChannelKind.WEBHOOK, "https://example.org/", name=str(one))[0] for one in range(3)]
    for _ in range(RULES):
        rule = make_rule(*channels)
        for one in range(SYMBOLS):
            make_hit(rule, timezone.now(), f"S{one}")

    def tell_all() -> None:
        while Hit.objects.filter(told=False).exists() or Delivery.objects.exclude(state="sent").exists():
            telling.run(timezone.now)

    for thread in [in_thread(tell_all) for _ in range(4)]:
        thread.join(60)

    told = Counter(sent)
    assert len(told) == RULES * SYMBOLS * len(channels)
    assert set(told.values()) == {1}
