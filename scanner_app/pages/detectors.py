"""The page of detectors: which run, which are off and why, how they fail. Operators can switch them there.

It works without scripts.
"""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from scanner_app.access.roles import May
from scanner_app.api.fields import MAX_REASON
from scanner_app.domain.enums import DetectorState
from scanner_app.domain.wording import clock
from scanner_app.engine import detector_switches
from scanner_app.models import DetectorEvent, FailureIncident
from scanner_app.pages import refused
from scanner_app.pages.views import common
from scanner_app.reading import detectors, failure_groups

SHOWN = 50
"""Kinds of failures and lines of the history on the page, the newest. API and admin list more."""

TONES = {DetectorState.ON: "good", DetectorState.OFF: "bad", DetectorState.PROBING: "warn"}

MAY_NOT = "Switching detectors needs the permission to operate symbols, which an administrator can give you."

ACTS: dict[str, Callable[..., bool]] = {"off": detector_switches.switch_off, "on": detector_switches.switch_on}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The page. POST: `act` (off, on), `name` and `reason`, which leads back to the page."""
    if request.method != "POST":
        return _show(request)
    if not May(request.user).operate:
        return refused.not_allowed(request, MAY_NOT)
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _show(request, wrong="Choose what to do.", code=400)
    try:
        name = detectors.get(request.POST.get("name", "")).name
    except detectors.DetectorNotFound as exc:
        return _show(request, wrong=f"{exc}.", code=404)
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:MAX_REASON]
    act(name, by=request.user.get_username(), now=timezone.now(), reason=reason)
    return redirect("detectors")


def _show(request: HttpRequest, *, wrong: str = "", code: int = 200) -> HttpResponse:
    context = {
        "rows": [{"detector": one, "tone": TONES[DetectorState(one.state)]} for one in detectors.of_all()],
        "incidents": FailureIncident.objects.filter(ended_at=None).order_by("-id")[:SHOWN],
        "groups": failure_groups.of_all()[:SHOWN],
        "events": DetectorEvent.objects.order_by("-id")[:SHOWN],
        "max_reason": MAX_REASON,
        "as_of": clock(timezone.now()),
        "wrong": wrong,
    }
    return render(request, "scanner_app/detectors.html", {**context, **common(request)}, status=code)
