"""Watch lists: the symbols that a user looks at together."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import Conflict, DetailOut
from scanner_app.api.fields import RefusesUnknownKeys, TextIn, TruthIn
from scanner_app.domain import tickers
from scanner_app.models import WatchList
from scanner_app.signals import watchlists
from scanner_app.signals.names import NameTaken, TooMany

WATCH_LIST = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the list's id, from the list")


class WatchListOut(serializers.ModelSerializer[WatchList]):
    """A watch list."""

    symbols = serializers.ListField(child=serializers.CharField(), help_text="tickers and patterns, in their order")
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = WatchList
        fields = ["id", "name", "symbols", "shared", "owner", "created_at"]


class OneWatchListOut(WatchListOut):
    """A watch list, with the symbols that it names now."""

    tickers = serializers.SerializerMethodField(help_text="the known tickers that it names now, in its order")

    class Meta(WatchListOut.Meta):
        fields = [*WatchListOut.Meta.fields, "tickers"]

    def get_tickers(self, row: WatchList) -> list[str]:
        """The known tickers that the list names now."""
        return watchlists.tickers_of(row)


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "pattern": r"^[ !-+\--\[\]-~]+$", "minLength": 1, "maxLength": tickers.MAX_PATTERN},
        "maxItems": watchlists.MAX_ENTRIES,
    }
)
class EntriesIn(serializers.Field[Any, Any, Any, Any]):
    """Tickers and patterns of tickers in a request's body."""

    def to_internal_value(self, data: Any) -> list[str]:
        """The entries in upper case, each once. Raises ValidationError, which names the wrong one."""
        if not isinstance(data, list):
            raise serializers.ValidationError("must be a list of tickers and patterns")
        try:
            return watchlists.entries(data)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class WatchListIn(RefusesUnknownKeys):
    """A new watch list, or new values for one."""

    name = TextIn(max_length=100, trim_whitespace=True)
    symbols = EntriesIn(
        help_text="tickers or patterns of tickers such as `*USDT`, in the order wanted; an entry counts once"
    )
    shared = TruthIn(required=False, default=False, help_text="true: others may read and use it, but not change it")


NOT_FOUND = OpenApiResponse(DetailOut, "no such watch list, or another user's that is not shared")
TAKEN = OpenApiResponse(DetailOut, "you have another list of this name, or as many lists as one may have")
NOT_YOURS = OpenApiResponse(DetailOut, "another user's watch list")


@extend_schema_view(list=extend_schema(summary="Your watch lists and the shared ones, newest first"))
class WatchListViewSet(ListViewSet):
    """Watch lists. Every signed-in user has lists of his own, which he alone changes."""

    serializer_class = WatchListOut
    queryset = WatchList.objects.none()  # for the schema
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"

    def get_queryset(self) -> Any:
        """What the user may read."""
        return watchlists.readable(self.request.user)

    @extend_schema(summary="Make a watch list", request=WatchListIn, responses={201: OneWatchListOut, 409: TAKEN})
    def create(self, request: Request) -> Response:
        """A list of one's own."""
        body = WatchListIn(data=request.data)
        body.is_valid(raise_exception=True)
        assert isinstance(request.user, User), "the permission lets in signed-in users only"  # noqa: S101
        try:
            row = watchlists.add(request.user, **body.validated_data, now=timezone.now())
        except (NameTaken, TooMany) as exc:
            raise Conflict(str(exc)) from None
        return Response(OneWatchListOut(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="One watch list, with the symbols that it names now",
        parameters=[WATCH_LIST],
        responses={200: OneWatchListOut, 404: NOT_FOUND},
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: ARG002, A002 - named after the address
        """Tickers that are not known (yet) are in `symbols` alone."""
        return Response(OneWatchListOut(self._readable(id)).data)

    @extend_schema(
        summary="Change a watch list",
        parameters=[WATCH_LIST],
        request=WatchListIn,
        responses={200: OneWatchListOut, 403: NOT_YOURS, 404: NOT_FOUND, 409: TAKEN},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """What is not given stays."""
        row = self._own(id)
        body = WatchListIn(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        try:
            watchlists.change(row, **body.validated_data)
        except NameTaken as exc:
            raise Conflict(str(exc)) from None
        return Response(OneWatchListOut(row).data)

    @extend_schema(
        summary="Delete a watch list",
        parameters=[WATCH_LIST],
        responses={204: None, 403: NOT_YOURS, 404: NOT_FOUND},
    )
    def destroy(self, request: Request, id: str) -> Response:  # noqa: ARG002, A002 - named after the address
        """Its symbols stay as they are."""
        self._own(id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _readable(self, wanted: str) -> WatchList:
        row: WatchList = self.row_of(wanted, "Watch list")
        return row

    def _own(self, wanted: str) -> WatchList:
        row = self._readable(wanted)
        if row.owner_id != self.request.user.pk:
            raise PermissionDenied(f"This watch list is {row.owner}'s. Make one of your own with its symbols.")
        return row
