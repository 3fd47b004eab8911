"""The API's addresses. The project's urls.py includes them under each prefix."""

from django.urls import URLPattern, URLResolver, path, re_path
from rest_framework.viewsets import ViewSetMixin

from scanner_app.api.alerts import AlertViewSet
from scanner_app.api.bars import BarViewSet
from scanner_app.api.board import BoardViewSet
from scanner_app.api.channels import ChannelViewSet
from scanner_app.api.chart import ChartViewSet
from scanner_app.api.deliveries import DeliveryViewSet
from scanner_app.api.detectors import DetectorViewSet
from scanner_app.api.failures import FailureViewSet
from scanner_app.api.feeds import FeedViewSet
from scanner_app.api.gap_ledger import GapViewSet
from scanner_app.api.hits import HitViewSet
from scanner_app.api.hooks import HookViewSet, InletView
from scanner_app.api.index import IndexView
from scanner_app.api.patterns import PatternViewSet
from scanner_app.api.quarantine import QuarantineViewSet
from scanner_app.api.routers import Router
from scanner_app.api.rules import RuleViewSet
from scanner_app.api.signals import SignalViewSet
from scanner_app.api.silences import SilenceViewSet
from scanner_app.api.status import StatusViewSet
from scanner_app.api.stream import StreamView
from scanner_app.api.symbols import SymbolViewSet
from scanner_app.api.tokens import TokenView, TokenViewSet
from scanner_app.api.watchlists import WatchListViewSet
from scanner_app.api.worth import WorthViewSet

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
    "silences": SilenceViewSet,
    "channels": ChannelViewSet,
    "deliveries": DeliveryViewSet,
    "watchlists": WatchListViewSet,
    "worth": WorthViewSet,
    "detectors": DetectorViewSet,
    "hooks": HookViewSet,
    "feeds": FeedViewSet,
    "gaps": GapViewSet,
    "rules": RuleViewSet,
    "hits": HitViewSet,
    "patterns": PatternViewSet,
}


def _router(*, documented: bool) -> Router:
    router = Router(documented=documented)
    for prefix, viewset in VIEWSETS.items():
        router.register(prefix, viewset, basename=prefix)
    return router


def _stream(pattern: str, **hidden: None) -> URLPattern:
    return re_path(pattern, StreamView.as_view(**hidden), name="signals-stream")


documented = [_stream("^signals/stream$"), *_router(documented=True).urls]
"""Addresses without a trailing slash, as the schema has them."""

index = IndexView.as_view(names=tuple(VIEWSETS))

spellings = [path("", index), _stream("^signals/stream/?$", schema=None), *_router(documented=False).urls]
"""The same with or without a trailing slash. Left out of the schema, which would otherwise have each path twice."""


def _auth(*, documented: bool) -> list[URLPattern | URLResolver]:
    router = Router(documented=documented)
    router.register("tokens", TokenViewSet, basename="tokens")
    hidden = {} if documented else {"schema": None}
    return [
        re_path(r"^token$" if documented else r"^token/?$", TokenView.as_view(**hidden), name="token"),
        *router.urls,
    ]


auth_documented = _auth(documented=True)
"""Addresses of tokens, likewise."""

auth_spellings = _auth(documented=False)

inlets = [
    path("hooks/<str:token>", InletView.as_view(), name="inlet"),
    path("hooks/<str:token>/", InletView.as_view(schema=None)),
]
"""Where hooks take their messages. Short, and apart from the rest, so that a proxy can let in nothing else."""
