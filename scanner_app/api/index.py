"""What the API's own address answers: where everything is."""

from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

ASKED_FOR_A_SYMBOL = {"chart"}
"""Reads that mean nothing without a parameter."""


class IndexView(APIView):
    """Addresses by name. It tells nothing that the documentation doesn't, so it asks for no user."""

    schema = None
    permission_classes = (AllowAny,)
    names: tuple[str, ...] = ()  # of the reads, given by urls.py

    def get(self, request: Request, *_: Any, **__: Any) -> Response:
        """The reads, below the prefix that was asked; and the documentation."""
        here = request.build_absolute_uri(request.path.rstrip("/"))
        return Response(
            {name: f"{here}/{name}" for name in self.names if name not in ASKED_FOR_A_SYMBOL}
            | {name: reverse(name, request=request) for name in ("docs", "schema")}
        )
