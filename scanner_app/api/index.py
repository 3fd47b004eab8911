"""The answer at the API's own address: the addresses of its resources and of its documentation."""

from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

NEED_A_SYMBOL = {"chart"}
"""Resources that the index leaves out, because they need the parameter `symbol`."""


class IndexView(APIView):
    """Addresses by name. It needs no user, because it says nothing that the public documentation does not say."""

    schema = None
    permission_classes = (AllowAny,)
    names: tuple[str, ...] = ()  # of the resources; urls.py passes them

    def get(self, request: Request, *_: Any, **__: Any) -> Response:
        """The resources, with the prefix of the request's own address, and the documentation."""
        here = request.build_absolute_uri(request.path.rstrip("/"))
        return Response(
            {name: f"{here}/{name}" for name in self.names if name not in NEED_A_SYMBOL}
            | {name: reverse(name, request=request) for name in ("docs", "schema")}
        )
