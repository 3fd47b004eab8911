"""Clients of users with different permissions, and symbols in some states."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from scanner_app import mailbox
from scanner_app.accounts import tokens
from scanner_app.detectors import Finding
from scanner_app.models import Signal, Symbol
from tests.conftest import T0, accept_days, fail_head, start_head

API = "/api/v1/scanner"


def token_of(user: User, **about: Any) -> str:
    """A token of the user, as it is sent. It has just been used: no request of the test has a write more for that."""
    now = timezone.now()
    row, secret = tokens.make(user, **about, by=None, now=now)
    tokens.note_use(row, now)
    return secret


@pytest.fixture
def client_of(db: None) -> Callable[..., APIClient]:
    """Make a client with the token of a new user who has these permissions."""

    def make(name: str, *permissions: str, staff: bool = False) -> APIClient:
        user = User.objects.create_user(name, password="opensesame", is_staff=staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
        return client

    return make


@pytest.fixture
def reader(client_of: Callable[..., APIClient]) -> APIClient:
    """A user without any permission."""
    return client_of("rita")


@pytest.fixture
def feeder(client_of: Callable[..., APIClient]) -> APIClient:
    """A user who may send bars, but may not do operators' actions."""
    return client_of("fred", "add_bar")


@pytest.fixture
def operator(client_of: Callable[..., APIClient]) -> APIClient:
    """A user who may do operators' actions, but may not send bars."""
    return client_of("olga", "operate_symbol")


@pytest.fixture
def staff(client_of: Callable[..., APIClient]) -> APIClient:
    """A user who is staff and has no permission of their own."""
    return client_of("stan", staff=True)


@pytest.fixture
def anonymous(db: None) -> APIClient:
    """A client without a user."""
    return APIClient()


def signal_on(symbol: Symbol, day: int, **values: Any) -> Signal:
    """Accept a bar of this day and finish it with one signal; `values` are fields of the signal."""
    accept_days(symbol.ticker, 1, first=day)
    ticket = start_head(symbol)
    fields: dict[str, Any] = {"detector": "wyckoff", "pattern": "spring", "direction": "bullish", "strength": 0.5}
    mailbox.complete(ticket, [Finding(**{**fields, **values})], now=T0)
    return Signal.objects.get(bar_id=ticket.bar_id)


@pytest.fixture
def paused(dispatched_head: Callable[..., Any]) -> Symbol:
    """BTC/USD, whose head has just failed for the first time. One more bar waits."""
    symbol: Symbol = dispatched_head("BTC/USD", waiting=1)[0]
    fail_head(symbol, 1, now=timezone.now())
    return symbol
