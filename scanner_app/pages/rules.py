"""The page of rules and watch lists: an empty one that its script fills and whose requests the API checks."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.pages import worth
from scanner_app.pages.views import common


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """One's own rules and watch lists, and the shared ones."""
    horizon = worth.chosen_horizon("", settings.SCANNER_WORTH_HORIZONS)
    context = {"all_timeframes": list(TIMEFRAMES), "horizon": horizon, **common(request)}
    return render(request, "scanner_app/rules.html", context)
