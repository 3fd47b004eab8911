"""What a request with a token may do, by the token's scope."""

from scanner_app.domain.enums import Scope

READING = frozenset({"GET", "HEAD", "OPTIONS"})

FEEDING = frozenset({("POST", "bars-list")})
"""(method, name of the route) of what `feed` adds to reading."""


def covers(scope: Scope, method: str, route: str) -> bool:
    """Whether a token of this scope may be used for the request; what its user may is asked besides.

    `route` is the name of the route, such as "bars-list". What is not named here is closed to `read` and `feed`, so
    a route that is new needs no thought.
    """
    if method in READING or scope == Scope.OPERATE:
        return True
    return scope == Scope.FEED and (method, route) in FEEDING
