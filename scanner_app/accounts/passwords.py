"""Signing in by name and password, whichever door asks: the page, the admin, and the API's tokens."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from scanner_app.accounts import guesses, hashing
from scanner_app.models import KnownAddress
from scanner_app.telemetry import security_log

KNOWN_ADDRESSES = 20
"""Addresses that are kept of a user, the last used."""

NOTED_AFTER = timedelta(days=1)


class LimitedBackend(ModelBackend):
    """Django's users and passwords, with limits on guessing and on hashing."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        """The user; None if name or password is wrong. Raises TooManyGuesses."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **more)
        attempt = _attempt(request, username)
        guesses.check(attempt)
        with (hashing.OF_KNOWN if attempt.known else hashing.OF_STRANGERS).take():
            guesses.check(attempt)  # while this one waited, those before it may have used up the guesses
            user = super().authenticate(request, username, password, **more)
            if not isinstance(user, User):
                guesses.failed(attempt)
                return None
        guesses.succeeded(attempt)
        if attempt.address:
            _remember(user, attempt.address)
        return user


def _attempt(request: HttpRequest, username: str) -> guesses.Attempt:
    address = security_log.address_of(request)
    name = username[: security_log.MAX_NAME]
    # No name that the database can't look up: NUL is none on PostgreSQL.
    known = (
        bool(address)
        and "\0" not in name
        and KnownAddress.objects.filter(user__username=name, address=address).exists()
    )
    return guesses.Attempt(username=name, address=address, known=known)


def _remember(user: User, address: str) -> None:
    """Note that the user signed in from there: a write a day, whatever the number of sign-ins."""
    now = timezone.now()
    if user.known_addresses.filter(address=address, at__gt=now - NOTED_AFTER).exists():
        return
    KnownAddress.objects.update_or_create(user=user, address=address, defaults={"at": now})
    kept = user.known_addresses.order_by("-at").values_list("pk", flat=True)[:KNOWN_ADDRESSES]
    user.known_addresses.exclude(pk__in=list(kept)).delete()
