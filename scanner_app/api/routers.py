"""Routes for tickers with odd characters, in two spellings."""

from typing import Any

from rest_framework.routers import DynamicRoute, Route, SimpleRouter


class Router(SimpleRouter):
    """DRF's router, but actions before details, since a ticker may have a slash.

    Documented: paths without a trailing slash, which are the ones in the schema. Otherwise: with or without.
    """

    def __init__(self, *, documented: bool) -> None:
        super().__init__(trailing_slash=False)
        self.documented = documented
        if not documented:
            self.trailing_slash = "/?"
        listing, list_actions, detail, detail_actions = SimpleRouter.routes
        self.routes: list[Route | DynamicRoute] = [listing, list_actions, detail_actions, detail]

    def get_routes(self, viewset: Any) -> list[Route]:
        """The viewset's routes; those that are not documented without a schema."""
        routes: list[Route] = super().get_routes(viewset)
        if self.documented:
            return routes
        return [route._replace(initkwargs={**route.initkwargs, "schema": None}) for route in routes]
