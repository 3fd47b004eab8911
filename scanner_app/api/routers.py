"""The router: for tickers with a slash, and for addresses with and without a trailing slash."""

from typing import Any

from rest_framework.routers import DynamicRoute, Route, SimpleRouter


class Router(SimpleRouter):
    """DRF's router, except that the routes of actions come before the route of a symbol.

    A ticker may have a slash, so the route of a symbol would also match `BTC/USD/reset`.

    `documented`: addresses without a trailing slash, which are in the schema. Otherwise addresses with or without a
    trailing slash, which are not.
    """

    def __init__(self, *, documented: bool) -> None:
        super().__init__(trailing_slash=False)
        self.documented = documented
        if not documented:
            self.trailing_slash = "/?"
        listing, list_actions, detail, detail_actions = SimpleRouter.routes
        self.routes: list[Route | DynamicRoute] = [listing, list_actions, detail_actions, detail]

    def get_routes(self, viewset: Any) -> list[Route]:
        """The viewset's routes, left out of the schema unless `documented`."""
        routes: list[Route] = super().get_routes(viewset)
        if self.documented:
            return routes
        return [route._replace(initkwargs={**route.initkwargs, "schema": None}) for route in routes]
