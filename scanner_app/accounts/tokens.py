"""Tokens of the API: making, checking and ending them.

A small table of our own: of django-rest-knox only the hash and the comparison would have been left, since it knows
neither names nor scopes, and its views sign in in another way than this API always has.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from scanner_app.domain.enums import Scope
from scanner_app.models import ApiToken
from scanner_app.telemetry import security_log

PREFIX = "scanner_"
"""What every token begins with, so that programs that look for leaked secrets can recognise one."""

HINT_LENGTH = len(PREFIX) + 4
"""Characters of a token that are stored as they are. Those after the prefix are 24 of its 256 bits."""

DEFAULT_DAYS = 365
MAX_DAYS = 3_650

USE_NOTED_AFTER = timedelta(hours=1)
"""How old `last_used_at` may be."""


_FIND = "SELECT * FROM scanner_app_apitoken WHERE digest = %s"
_FIND_USER = f"SELECT * FROM {User._meta.db_table} WHERE id = %s"  # noqa: S608, SLF001 - Django's name of its table


def digest_of(secret: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make(
    user: User,
    *,
    name: str = "",
    scope: Scope = Scope.OPERATE,
    days: int = DEFAULT_DAYS,
    by: ApiToken | None,
    now: datetime,
) -> tuple[ApiToken, str]:
    """A new token of the user, and its secret, which can't be seen again.

    `by`: the token that the request came with. The new one ends no later, or a stolen token could renew itself.
    Tokens of the user that have ended are forgotten.
    """
    expires_at = now + timedelta(days=days)
    if by is not None and by.expires_at is not None:
        expires_at = min(expires_at, by.expires_at)
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        user.api_tokens.filter(expires_at__lte=now).delete()
        token = user.api_tokens.create(
            name=name,
            scope=scope,
            digest=digest_of(secret),
            hint=secret[:HINT_LENGTH],
            created_at=now,
            expires_at=expires_at,
        )
    security_log.note("token_made", user=user.get_username(), **_described(token))
    return token, secret


def find(secret: str) -> ApiToken | None:
    """The token with its user, ended or not. None if there is none."""
    # With every request: the ORM would need three times as long to build one statement with a join.
    for token in ApiToken.objects.raw(_FIND, [digest_of(secret)]):
        for user in User.objects.raw(_FIND_USER, [token.user_id]):
            token.user = user
            return token
    return None


def has_ended(token: ApiToken, now: datetime) -> bool:
    """Whether the token's time is over."""
    return token.expires_at is not None and token.expires_at <= now


def note_use(token: ApiToken, now: datetime) -> None:
    """Remember that the token was used. Writes at most once an hour for a token."""
    stale = now - USE_NOTED_AFTER
    if token.last_used_at is None or token.last_used_at < stale:
        # Guarded: of many requests at once, one writes.
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=stale)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)


def live(user: User, now: datetime) -> QuerySet[ApiToken]:
    """The user's tokens that have not ended."""
    return user.api_tokens.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def revoke(tokens: Iterable[ApiToken], *, why: str) -> None:
    """End tokens at once. `why` is for the security log: "by request", "password changed"."""
    for token in tokens:
        token.delete()
        security_log.note("token_revoked", user=token.user.get_username(), why=why, **_described(token))


def _described(token: ApiToken) -> dict[str, object]:
    ends = None if token.expires_at is None else token.expires_at.isoformat()
    return {"token": token.hint, "name": token.name, "scope": token.scope, "expires_at": ends}
