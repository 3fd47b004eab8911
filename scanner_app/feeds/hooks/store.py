"""Hooks: making, finding and removing them, how many messages they take, and what is noted of them."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from scanner_app.accounts.tokens import digest_of
from scanner_app.models import Hook
from scanner_app.telemetry import security_log

PREFIX = "scanner_hook_"
"""What every hook's secret begins with, so that programs that look for leaked secrets can recognise one."""

SECRET_LENGTH = len(PREFIX) + 43
"""Characters of a secret: 256 random bits."""

HINT_LENGTH = len(PREFIX) + 4
"""Characters of a secret that are stored as they are."""

MESSAGES = RateLimitItemPerMinute(1_200)
"""Messages that a hook takes, of each web process: a thousand alerts of one-minute bars come all in the same second."""

USE_NOTED_AFTER = timedelta(minutes=1)
ERROR_NOTED_AFTER = timedelta(seconds=5)
"""How old what a hook shows of its last message may be. Messages that are all wrong cost no write each."""

MAX_ERROR = 500
"""Characters of an error that are kept."""


def make(
    user: User, *, name: str, mapping: Any, now: datetime, tickers: Mapping[str, str] | None = None
) -> tuple[Hook, str]:
    """A new hook of the user, and its secret, which can't be seen again. Mapping and tickers must be checked ones."""
    secret = PREFIX + secrets.token_urlsafe(32)
    hook = Hook.objects.create(
        user=user,
        name=name,
        mapping=mapping,
        tickers=dict(tickers or {}),
        digest=digest_of(secret),
        hint=secret[:HINT_LENGTH],
        created_at=now,
    )
    security_log.note("hook_made", user=user.get_username(), **_described(hook))
    return hook, secret


def rename(hook: Hook, tickers: Mapping[str, str]) -> None:
    """Other names of symbols, checked ones, from the next message on."""
    hook.tickers = dict(tickers)
    hook.save(update_fields=["tickers"])


def find(secret: str) -> Hook | None:
    """The hook with its user; None if there is none.

    The hash of the secret is compared, not the secret: how long that takes tells nothing about the secret.
    """
    if len(secret) != SECRET_LENGTH or not secret.isascii():
        return None
    return Hook.objects.select_related("user").filter(digest=digest_of(secret)).first()


def waits_s(hook: Hook, now: datetime) -> int:
    """Count a message. For how many seconds it, and those that follow, are refused; 0: it may come in."""
    if _limiter().hit(MESSAGES, str(hook.pk)):
        return 0
    ends_at = _limiter().get_window_stats(MESSAGES, str(hook.pk)).reset_time
    return max(1, round(ends_at - now.timestamp()))


def note(hook: Hook, *, error: str, now: datetime) -> None:
    """Remember that a message came, and what was wrong with it: "" for nothing. Writes at most every some seconds."""
    values: dict[str, Any] = {}
    if hook.last_used_at is None or hook.last_used_at < now - USE_NOTED_AFTER:
        values["last_used_at"] = now
    if error and (hook.last_error_at is None or hook.last_error_at < now - ERROR_NOTED_AFTER):
        values |= {"last_error": error[:MAX_ERROR].replace("\0", ""), "last_error_at": now}
    if values:
        Hook.objects.filter(pk=hook.pk).update(**values)


def remove(hook: Hook) -> None:
    """End a hook at once."""
    hook.delete()
    security_log.note("hook_removed", user=hook.user.get_username(), **_described(hook))


def forget() -> None:
    """Forget how many messages came. For tests."""
    _limiter.cache_clear()


@lru_cache(maxsize=1)
def _limiter() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())


def _described(hook: Hook) -> dict[str, object]:
    return {"hook": hook.hint, "name": hook.name}
