"""The page of live feeds: how each is doing, and open holes; operators can act there. It works without scripts."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from scanner_app.access.roles import May
from scanner_app.api.gap_ledger import summary_of
from scanner_app.domain.enums import GapState
from scanner_app.domain.errors import FeedFixed
from scanner_app.domain.wording import clock, span
from scanner_app.feeds.live import ledger, managing
from scanner_app.models import Feed, Gap
from scanner_app.pages import refused
from scanner_app.pages.views import common
from scanner_app.reading import feeds

SHOWN = 100
"""Open holes on the page, the newest. API and admin list all."""

MAY_NOT = "Changing feeds needs the permission to operate symbols, which an administrator can give you."


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The page. POST: `act` (add, change, enable, disable, remove, give_up), which leads back to the page."""
    if request.method != "POST":
        return _show(request)
    if not May(request.user).operate:
        return refused.not_allowed(request, MAY_NOT)
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _show(request, wrong="Choose what to do.", code=400)
    try:
        act(request)
    except managing.BadFeed as exc:
        return _show(request, wrong=f"{exc.field.capitalize()}: {exc}.", code=400)
    except FeedFixed as exc:
        return _show(request, wrong=f"{exc}.", code=409)
    return redirect("feeds")


def _show(request: HttpRequest, *, wrong: str = "", code: int = 200) -> HttpResponse:
    now = timezone.now()
    holes = Gap.objects.filter(state=GapState.OPEN, symbol__deleted_at=None).select_related("symbol", "feed")
    context = {
        "rows": [_row(one, now) for one in feeds.of_all(now)],
        "holes": holes.order_by("-id")[:SHOWN],
        "open_holes": holes.count(),
        "shown": SHOWN,
        "summary": summary_of(now.date(), now.date())["sentence"],
        "as_of": clock(now),
        "wrong": wrong,
        "sent": request.POST,
    }
    return render(request, "scanner_app/feeds.html", {**context, **common(request)}, status=code)


def _row(one: feeds.FeedStatus, now: Any) -> dict[str, Any]:
    quiet_s = one.quiet_s(now)
    return {
        "feed": one,
        "word": one.state.replace("_", " ") if one.enabled else "disabled",
        "quiet": "" if quiet_s is None else span(quiet_s),
        "lag": "" if one.lag_s is None else span(one.lag_s),
    }


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()


def _by(request: HttpRequest) -> str:
    return request.user.get_username()


def _found(model: Any, request: HttpRequest) -> Any:
    text = _text(request, "id")
    # At most 18 digits: a number that no database has as an id is not found, instead of an error.
    pk = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
    if (row := model.objects.filter(pk=pk).first()) is None:
        raise Http404
    return row


def _add(request: HttpRequest) -> None:
    managing.add(
        name=_text(request, "name"), venue=_text(request, "venue"), entry=_text(request, "entry"), by=_by(request)
    )


def _change(request: HttpRequest) -> None:
    managing.change(_found(Feed, request), entry=_text(request, "entry"), by=_by(request))


def _enable(request: HttpRequest) -> None:
    managing.change(_found(Feed, request), enabled=True, by=_by(request))


def _disable(request: HttpRequest) -> None:
    managing.change(_found(Feed, request), enabled=False, by=_by(request))


def _remove(request: HttpRequest) -> None:
    managing.remove(_found(Feed, request), by=_by(request), now=timezone.now())


def _give_up(request: HttpRequest) -> None:
    # One that has ended meanwhile is not among the open ones of the page that follows.
    ledger.give_up(_found(Gap, request).pk, by=_by(request), now=timezone.now())


ACTS: dict[str, Callable[[HttpRequest], None]] = {
    "add": _add,
    "change": _change,
    "enable": _enable,
    "disable": _disable,
    "remove": _remove,
    "give_up": _give_up,
}
