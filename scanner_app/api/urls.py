"""The API's addresses. The project's urls.py includes them under each prefix."""

from django.urls import path
from rest_framework.viewsets import ViewSetMixin

from scanner_app.api.alerts import AlertViewSet
from scanner_app.api.bars import BarViewSet
from scanner_app.api.board import BoardViewSet
from scanner_app.api.chart import ChartViewSet
from scanner_app.api.failures import FailureViewSet
from scanner_app.api.index import IndexView
from scanner_app.api.quarantine import QuarantineViewSet
from scanner_app.api.routers import Router
from scanner_app.api.signals import SignalViewSet
from scanner_app.api.status import StatusViewSet
from scanner_app.api.symbols import SymbolViewSet

VIEWSETS: dict[str, type[ViewSetMixin]] = {
    "bars": BarViewSet,
    "signals": SignalViewSet,
    "status": StatusViewSet,
    "symbols": SymbolViewSet,
    "failures": FailureViewSet,
    "quarantine": QuarantineViewSet,
    "board": BoardViewSet,
    "chart": ChartViewSet,
    "alerts": AlertViewSet,
}


def _router(*, documented: bool) -> Router:
    router = Router(documented=documented)
    for prefix, viewset in VIEWSETS.items():
        router.register(prefix, viewset, basename=prefix)
    return router


documented = _router(documented=True).urls
"""Addresses without a trailing slash, as the schema has them."""

index = IndexView.as_view(names=tuple(VIEWSETS))

spellings = [path("", index), *_router(documented=False).urls]
"""The same with or without a trailing slash. Left out of the schema, which would otherwise have each path twice."""
