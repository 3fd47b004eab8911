"""The API's addresses, to be included under each of its prefixes."""

from django.urls import path
from rest_framework.viewsets import ViewSetMixin

from scanner_app.api import live, viewsets
from scanner_app.api.index import IndexView
from scanner_app.api.routers import Router

VIEWSETS: dict[str, type[ViewSetMixin]] = {
    "bars": viewsets.BarViewSet,
    "signals": viewsets.SignalViewSet,
    "status": viewsets.StatusViewSet,
    "symbols": viewsets.SymbolViewSet,
    "failures": viewsets.FailureViewSet,
    "quarantine": viewsets.QuarantineViewSet,
    "board": live.BoardViewSet,
    "chart": live.ChartViewSet,
    "alerts": viewsets.AlertViewSet,
}


def _router(*, documented: bool) -> Router:
    router = Router(documented=documented)
    for prefix, viewset in VIEWSETS.items():
        router.register(prefix, viewset, basename=prefix)
    return router


documented = _router(documented=True).urls
"""Without a trailing slash: the spelling of the schema."""

index = IndexView.as_view(names=tuple(VIEWSETS))

spellings = [path("", index), *_router(documented=False).urls]
"""With or without a trailing slash, left out of the schema, which would else show each path twice."""
