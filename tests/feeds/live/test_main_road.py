"""A feed of Binance's dialect on real sockets, from its start on."""

from typing import Any

import pytest

from scanner_app.models import Bar, Gap, Symbol
from tests import loops
from tests.feeds.live.story import START_MS, Story, check, quick  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_server", "quick")]


def test_history_comes_first_and_then_every_bar_in_its_order(settings: Any) -> None:
    story = Story(symbols=("BTCUSDT", "ETHUSDT"), bars=5)

    async def run() -> None:
        async with story.running():
            await story.joined()
            await story.play(5.5)

    loops.run(run())

    check(story, first_ms=START_MS)
    assert Symbol.objects.get(ticker="BTCUSDT").calendar in {"", "24/7"}
    assert not Bar.objects.filter(late=True).exists()
    assert not Gap.objects.exists()
