"""Rows of every kind, and a user of every role, for tests that look at the API from outside.

Run in `manage.py shell`, in the scanner that is looked at.
"""

from datetime import timedelta

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.feeds.hooks import store
from scanner_app.models import Alert, Feed, Gap, Symbol
from tests.conftest import accept_days, fail_head, start_head
from tests.integration.stack import PASSWORD

now = timezone.now()
for name, codename, is_staff in [
    ("reader", "", False),
    ("feeder", "add_bar", False),
    ("operator", "operate_symbol", False),
    ("staff", "", True),
]:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename=codename))
for ticker in ("AAPL", "BTC/USD", "BRK.B"):
    accept_days(ticker, 6, now=now)
    symbol = Symbol.objects.get(ticker=ticker)
    found = Finding(detector="wyckoff", pattern="spring", direction=Direction.BULLISH, strength=0.5)
    mailbox.complete(start_head(symbol, now=now), [found], now=now + timedelta(milliseconds=20))
    mailbox.quarantine_head(start_head(symbol, now=now), BarUnusable("no volume"), now=now)
    fail_head(symbol, 2, now=now)
    Alert.objects.create(
        rule="slow_symbol",
        state="firing",
        severity="warning",
        symbol=symbol,
        message="slow",
        began_at=now,
        fired_at=now,
    )
    feed = Feed.objects.create(name=f"feed {symbol.pk}", venue="binance", entry=f"{ticker}@1m")
    Gap.objects.create(
        symbol=symbol, feed=feed, timeframe="1m", first=now, last=now, missing=1, found_at=now, cause="start"
    )
for owner in User.objects.filter(username__in=["feeder", "staff"]):
    store.make(owner, name="charts", mapping="tradingview", now=now)
