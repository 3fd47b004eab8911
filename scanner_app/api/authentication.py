"""Signing in by `Authorization: Token …`. What the token's scope does not cover is refused here, before any view."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from scanner_app.access import scopes
from scanner_app.accounts import tokens
from scanner_app.domain.enums import Scope
from scanner_app.models import ApiToken
from scanner_app.telemetry import security_log

NOT_BEARER = "This API takes its tokens as 'Authorization: Token …', not as 'Bearer …'."
"""Why a request with a token of the usual form is not signed in."""


class ScopedTokenAuthentication(TokenAuthentication):
    """DRF's header and answers, with our tokens: hashed, with an end and a scope."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """User and token of the request; None if it has none.

        Raises AuthenticationFailed if the token is none, or has ended, and PermissionDenied beyond its scope. Here
        and not in the views' permissions, so that no view can forget it.
        """
        found: tuple[User, ApiToken] | None = super().authenticate(request)
        if found is not None:
            match = request._request.resolver_match  # noqa: SLF001 - DRF has no other way to the route
            route = (match and match.url_name) or ""
            scope = Scope(found[1].scope)
            if not scopes.covers(scope, request.method or "", route):
                raise PermissionDenied(f"This token's scope is {scope}, which does not cover this request.")
        return found

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        """The token's user and the token. Raises AuthenticationFailed."""
        now = timezone.now()
        token = tokens.find(key)
        if token is None:
            raise AuthenticationFailed("Invalid token.")
        if tokens.has_ended(token, now):
            _log_refusal(token, "expired")
            raise AuthenticationFailed("This token has expired. Make a new one.")
        if not token.user.is_active:
            _log_refusal(token, "user inactive")
            raise AuthenticationFailed("User inactive or deleted.")
        tokens.note_use(token, now)
        return token.user, token


def is_bearer(request: Request) -> bool:
    """Whether the request has a token of the form that this API does not read.

    No reason to refuse a request by itself: a proxy may add such a header, for its own use, to one of a session.
    """
    return get_authorization_header(request).lower().startswith(b"bearer ")


def _log_refusal(token: ApiToken, why: str) -> None:
    name = token.user.get_username()
    security_log.note_seldom("token_refused", key=token.digest, user=name, why=why, token=token.hint)
