"""The page that looks back: the board as it was at a time, and what other breaker settings would have changed.

For operators. It works without scripts, and reads only.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.access.roles import May
from scanner_app.api.fields import utc_time
from scanner_app.domain.enums import SymbolState
from scanner_app.domain.what_if_words import delays_of, named, other_setting, sentence
from scanner_app.domain.wording import clock
from scanner_app.pages import refused
from scanner_app.pages.views import common
from scanner_app.reading import past_board, what_if

SHOWN: Final = 500
"""Symbols on the page, those in trouble first. `manage.py asof` shows all."""

DAYS: Final = 30
"""How far back failures are gone through. `manage.py whatif --days` chooses."""

MAY_NOT: Final = "Looking back needs the permission to operate symbols, which an administrator can give you."

SETTINGS: Final = ("threshold", "recovery", "delays")

LEAST_RECOVERY_S: Final = 1.0
"""Of the other settings: with less, each longer fault would be gone through up to MOST_RUNS runs, in one request."""

ORDER: Final = (SymbolState.FAILED, SymbolState.PAUSED, SymbolState.PROCESSING)

TONES: Final = {SymbolState.FAILED: "bad", SymbolState.PAUSED: "warn", SymbolState.PROCESSING: "good"}


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page. `at`: the time of the board; `threshold`, `recovery` (s) and `delays` (s): the other settings."""
    if not May(request.user).operate:
        return refused.not_allowed(request, MAY_NOT)
    now = timezone.now()
    asked = {name: request.GET.get(name, "").strip() for name in ("at", *SETTINGS)}
    context: dict[str, Any] = {"asked": asked, "days": DAYS, "shown": SHOWN, "present": named(what_if.present())}
    context["example"] = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    if asked["at"]:
        try:
            context |= _board(asked["at"], now)
        except ValueError as exc:
            context["wrong_time"] = _as_sentence(exc)
    if any(name in request.GET for name in SETTINGS):
        try:
            context |= _compared(asked, now)
        except ValueError as exc:
            context["wrong_settings"] = _as_sentence(exc)
    is_wrong = "wrong_time" in context or "wrong_settings" in context
    return render(request, "scanner_app/past.html", {**context, **common(request)}, status=400 if is_wrong else 200)


def _board(text: str, now: datetime) -> dict[str, Any]:
    """The board at the time that was asked for. Raises ValueError."""
    try:
        at = utc_time(text)
    except ValueError as exc:
        raise ValueError(f"the time {exc}") from None
    if at > now:
        raise ValueError(f"{clock(at)} has not come yet")
    board = past_board.read(at)
    rows = sorted(board.symbols, key=lambda one: ORDER.index(one.state))  # by ticker among those of one state
    return {
        "board": board,
        "rows": [{"one": one, "tone": TONES[one.state], "close": _price(one.close)} for one in rows[:SHOWN]],
    }


def _compared(asked: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What the other settings would have changed. Raises ValueError, also if none is given."""
    other = other_setting(
        what_if.present(),
        threshold=_whole(asked["threshold"]),
        recovery_s=_seconds(asked["recovery"]),
        delays_s=delays_of(asked["delays"]) if asked["delays"] else None,
    )
    found = what_if.compared(other, now - timedelta(days=DAYS), now)
    return {
        "other": named(other),
        "streaks": found.streaks,
        "short": sentence(found.short),
        "long": sentence(found.long),
    }


def _as_sentence(error: ValueError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _price(close: float | None) -> str:
    return "" if close is None else f"{close:,.10g}"


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise ValueError(f"threshold must be a whole number such as 5, not {text[:30]!r}")
    return int(text)


def _seconds(text: str) -> float | None:
    if not text:
        return None
    with suppress(ValueError):
        if (seconds := float(text)) >= LEAST_RECOVERY_S:
            return seconds
    raise ValueError(f"recovery must be seconds such as 30, at least {LEAST_RECOVERY_S:g}, not {text[:30]!r}")
