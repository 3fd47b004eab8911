"""Live feeds: how each is doing; adding, changing and removing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import RefusesUnknownKeys, TextIn, TruthIn
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.enums import FeedState
from scanner_app.feeds.live import managing
from scanner_app.models import Feed
from scanner_app.reading import feeds


class FeedOut(serializers.Serializer[Any]):
    """A live feed, and how it is doing."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    venue = serializers.CharField()
    entry = serializers.CharField(help_text="tickers and timeframes, as in `SCANNER_FEEDS`: `BTCUSDT,ETHUSDT@1m+1h`")
    enabled = serializers.BooleanField()
    from_environment = serializers.BooleanField(help_text="of `SCANNER_FEEDS`: can't be changed here")
    state = serializers.ChoiceField(
        [one.value for one in FeedState], help_text="`down` too if no process runs it, or if it is disabled"
    )
    connected_at = serializers.DateTimeField(allow_null=True, help_text="since when; null: it is not connected")
    last_message_at = serializers.DateTimeField(allow_null=True, help_text="anything from the venue, a ping included")
    lag_s = serializers.FloatField(
        allow_null=True, help_text="of its newest bars, the longest from the bar's end to its acceptance"
    )
    series = serializers.IntegerField(help_text="that it is to bring")
    live = serializers.IntegerField(help_text="of these, how many are at their newest bar")
    gaps_open = serializers.IntegerField(help_text="holes in its series that are open")
    last_error = serializers.CharField()
    refused = serializers.ListField(
        child=serializers.CharField(), help_text="series that venue or scanner do not take, with the reason"
    )


class FeedChangeIn(RefusesUnknownKeys):
    """What of a feed can be changed."""

    entry = TextIn(
        required=False,
        max_length=managing.MAX_ENTRY,
        help_text="tickers and timeframes, as in `SCANNER_FEEDS`: `BTCUSDT,ETHUSDT@1m+1h`",
    )
    enabled = TruthIn(required=False)


class NewFeedIn(FeedChangeIn):
    """A new feed."""

    venue = TextIn(max_length=64, help_text="`binance`, …")
    entry = TextIn(
        max_length=managing.MAX_ENTRY,
        help_text="tickers and timeframes, as in `SCANNER_FEEDS`: `BTCUSDT,ETHUSDT@1m+1h`",
    )
    name = TextIn(required=False, allow_blank=True, max_length=64, default="", help_text="empty: the venue's")


FEED = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the feed's id, from the list")
FIXED = OpenApiResponse(DetailOut, "the feed comes from `SCANNER_FEEDS`")


@extend_schema_view(list=extend_schema(summary="Live feeds, newest first", responses=FeedOut))
class FeedViewSet(ListViewSet):
    """Live feeds. A process that runs feeds follows each change within seconds."""

    queryset = Feed.objects.all()
    serializer_class = FeedOut
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = dict.fromkeys(("create", "partial_update", "destroy"), MayOperate)

    def list(self, request: Request, *_: Any, **__: Any) -> Response:  # noqa: ARG002 - DRF's signature
        """Each with its state: live, catching up, silent or down."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        shown = {one.id: one for one in feeds.of_all(timezone.now())}
        return self.get_paginated_response(FeedOut([shown[row.pk] for row in page if row.pk in shown], many=True).data)

    @extend_schema(summary="Add a live feed", request=NewFeedIn, responses={201: FeedOut})
    def create(self, request: Request) -> Response:
        """It begins to run with the next look of `manage.py feed`, which must run."""
        body = NewFeedIn(data=request.data)
        body.is_valid(raise_exception=True)
        with _named_fields():
            feed = managing.add(**body.validated_data, by=request.user.get_username())
        return Response(_shown(feed), status=HTTP_201_CREATED)

    @extend_schema(
        summary="Change a live feed, or switch it off or on",
        parameters=[FEED],
        request=FeedChangeIn,
        responses={200: FeedOut, 409: FIXED},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """Other tickers or timeframes; `enabled` false: its series get no bars, until it is true again."""
        body = FeedChangeIn(data=request.data)
        body.is_valid(raise_exception=True)
        with _named_fields():
            feed = managing.change(self.row_of(id, "Feed"), **body.validated_data, by=request.user.get_username())
        return Response(_shown(feed))

    @extend_schema(summary="Remove a live feed", parameters=[FEED], responses={204: None, 409: FIXED})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """Its bars stay. Open holes that no other feed asks for are given up."""
        managing.remove(self.row_of(id, "Feed"), by=request.user.get_username(), now=timezone.now())
        return Response(status=HTTP_204_NO_CONTENT)


def _shown(feed: Feed) -> Any:
    [one] = [one for one in feeds.of_all(timezone.now()) if one.id == feed.pk]
    return FeedOut(one).data


@contextmanager
def _named_fields() -> Iterator[None]:
    """Answer what is wrong with a feed by the field that it is wrong in."""
    try:
        yield
    except managing.BadFeed as exc:
        raise serializers.ValidationError({exc.field: [str(exc)]}) from None
