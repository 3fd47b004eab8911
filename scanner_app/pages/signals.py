"""The page of signals: the newest on top, more as they come. The script reads the API's list and its stream."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.detectors import Direction
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.pages.views import common
from scanner_app.signals import rules, watchlists


@never_cache
@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page with its filters. Which are chosen stands in the address, so that it can be kept and sent."""
    context = {
        "watch_lists": watchlists.readable(request.user).order_by("name").values_list("pk", "name"),
        "rules": rules.readable(request.user).order_by("name").values_list("pk", "name"),
        "timeframes": list(TIMEFRAMES),
        "directions": [one.value for one in Direction],
    }
    return render(request, "scanner_app/signals.html", {**context, **common(request)})
