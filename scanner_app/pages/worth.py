"""The page of what signals were worth. It works without scripts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.domain.timeframes import RANK
from scanner_app.models import SignalWorth
from scanner_app.pages.views import common
from scanner_app.signals import rules
from scanner_app.signals.wording import details, sentence, title

SHOWN: Final = 300
"""Rows on the page: the 61 candlesticks in both directions at two timeframes. The API lists all."""

FIGURES: Final = ("lift", "lift_low", "lift_high")
"""What is drawn of a row."""

WIDTH: Final = 200
"""Of a row's drawing, in its own units."""


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The figures of one horizon, the surest edge first; `horizon` and `timeframe` choose."""
    names = rules.names_for(request.user)
    found = rules.readable_worth(request.user)
    horizons = sorted(set(found.values_list("horizon", flat=True)))
    timeframes = sorted(set(found.values_list("timeframe", flat=True)), key=RANK.__getitem__)
    horizon = chosen_horizon(request.GET.get("horizon", ""), horizons)
    timeframe = request.GET.get("timeframe", "")
    rows = found.filter(horizon=horizon) if horizon else found.none()
    if timeframe in timeframes:
        rows = rows.filter(timeframe=timeframe)
    # Without an interval they come last: they show nothing.
    judged = list(rows.exclude(lift_low=None).order_by("-lift_low", "pattern")[:SHOWN])
    few = list(rows.filter(lift_low=None).order_by("-count", "pattern")[: SHOWN - len(judged)])
    context = {
        "horizons": horizons,
        "horizon": horizon,
        "timeframes": timeframes,
        "timeframe": timeframe,
        "judged": drawn(judged, names),
        "few": [(title(row, names), details(row), sentence(row)) for row in few],
        "total": rows.count(),
        "shown": SHOWN,
        "computed_at": found.order_by("-computed_at").values_list("computed_at", flat=True).first(),
    }
    return render(request, "scanner_app/worth.html", {**context, **common(request)})


def chosen_horizon(asked: str, horizons: Sequence[int]) -> int | None:
    """The horizon that was asked for; else the second, which is neither the noise of one bar nor a month."""
    if asked.isdecimal() and len(asked) < 9 and int(asked) in horizons:
        return int(asked)
    return horizons[min(1, len(horizons) - 1)] if horizons else None


def drawn(rows: Sequence[SignalWorth], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Each row in words, with its figures in percent and the places of its interval in the drawing.

    `names`: of rules, by their ids.
    """
    reach = max((abs(edge) for row in rows for edge in (row.lift_low or 0.0, row.lift_high or 0.0)), default=0.0) or 1.0
    places = [
        {name: round(WIDTH / 2 * (1 + (getattr(row, name) or 0.0) / reach), 1) for name in FIGURES} for row in rows
    ]
    return [
        {"row": row, "title": title(row, names), "details": details(row), "words": sentence(row), "width": WIDTH}
        | {"at": at, "span": round(at["lift_high"] - at["lift_low"], 1)}
        | {name: f"{100 * (getattr(row, name) or 0.0):+.2f} %" for name in FIGURES}
        for row, at in zip(rows, places, strict=True)
    ]
