"""Clients of each kind of user."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from scanner_app import mailbox
from scanner_app.detectors import Finding
from scanner_app.models import Signal, Symbol
from tests.conftest import T0, accept_days, fail_head, start_head

API = "/api/v1/scanner"


@pytest.fixture
def client_of(db: None) -> Callable[..., APIClient]:
    """Make a client that brings the token of a user with these permissions of the scanner."""

    def make(name: str, *permissions: str, staff: bool = False) -> APIClient:
        user = User.objects.create_user(name, password="opensesame", is_staff=staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
        return client

    return make


@pytest.fixture
def reader(client_of: Callable[..., APIClient]) -> APIClient:
    """Signed in, and nothing more."""
    return client_of("rita")


@pytest.fixture
def feeder(client_of: Callable[..., APIClient]) -> APIClient:
    """May write bars, and do none of the operators' acts."""
    return client_of("fred", "add_bar")


@pytest.fixture
def operator(client_of: Callable[..., APIClient]) -> APIClient:
    """May do operators' acts, and write no bars."""
    return client_of("olga", "operate_symbol")


@pytest.fixture
def staff(client_of: Callable[..., APIClient]) -> APIClient:
    """Staff, without any permission of their own."""
    return client_of("stan", staff=True)


@pytest.fixture
def anonymous(db: None) -> APIClient:
    """Not signed in."""
    return APIClient()


def signal_on(symbol: Symbol, day: int, **values) -> Signal:
    accept_days(symbol.ticker, 1, first=day)
    ticket = start_head(symbol)
    fields = {"detector": "wyckoff", "pattern": "spring", "direction": "bullish", "strength": 0.5}
    mailbox.complete(ticket, [Finding(**{**fields, **values})], now=T0)
    return Signal.objects.get(bar_id=ticket.bar_id)


@pytest.fixture
def paused(dispatched_head):
    """A symbol whose first bar failed just now, with one behind it."""
    symbol, _ = dispatched_head("BTC/USD", waiting=1)
    fail_head(symbol, 1, now=timezone.now())
    return symbol
