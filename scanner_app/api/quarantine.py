"""Bars in quarantine, and the operators' acts on them."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app import mailbox
from scanner_app.api.base import ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.failures import FAULT_FIELDS, FaultFilter
from scanner_app.api.fields import ActIn, TimeIn
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.enums import Resolution
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import QuarantinedBar
from scanner_app.reading import quarantine_entries
from scanner_app.reading.quarantine_entries import Filter

ENTRY = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the entry's id, from the list")


class QuarantineOut(serializers.ModelSerializer[QuarantinedBar]):
    """A bar in quarantine, in the shape of a failure that no attempt follows."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")
    retry_delay_s = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField()
    times = serializers.SerializerMethodField()
    resolution = serializers.SerializerMethodField(help_text="what became of it; null while it is in quarantine")

    class Meta:
        model = QuarantinedBar
        fields = [*FAULT_FIELDS, "retry_delay_s", "next_attempt_at", "times", "reason", "resolution", "resolved_at"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_retry_delay_s(self, _row: QuarantinedBar) -> None:
        """None: nothing follows by itself."""

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, _row: QuarantinedBar) -> None:
        """None: nothing follows by itself."""

    def get_times(self, _row: QuarantinedBar) -> int:
        """Once."""
        return 1

    @extend_schema_field(serializers.ChoiceField(list(Resolution), allow_null=True))
    def get_resolution(self, row: QuarantinedBar) -> str | None:
        """What became of it; None while it is in quarantine."""
        return row.resolution or None


class BulkIn(ActIn):
    """Which bars in quarantine an act is for. A key that is not here is an error: mistyped, it would mean them all."""

    symbol = serializers.CharField(required=False, help_text="ticker, in upper or lower case")
    error_type = serializers.CharField(required=False)
    # `from` is a keyword of Python's: get_fields() drops the underscore.
    from_ = TimeIn(required=False, help_text="bars' timestamps: this or later")
    to = TimeIn(required=False, help_text="bars' timestamps: before this")
    all = serializers.BooleanField(
        required=False, default=False, help_text="needed to act without any filter: on every bar in quarantine"
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="count, and change nothing")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields by the names of the request's keys."""
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError, also for keys that there are not."""
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            known = ", ".join(self.fields)
            # Half of a surrogate pair is a key in JSON, but can't be sent back.
            names = sorted(name.encode(errors="replace").decode() for name in unknown)
            raise serializers.ValidationError({name: [f"is none of {known}"] for name in names})
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A filter, or the word that there is to be none: beside a filter, one of the two would be a mistake."""
        unfiltered = self._wanted(attrs).empty
        if attrs["all"] and not unfiltered:
            raise serializers.ValidationError({"all": ["can't be true beside a filter"]})
        if unfiltered and not (attrs["all"] or attrs["dry_run"]):
            raise serializers.ValidationError({"all": ["must be true to act on every bar in quarantine"]})
        return attrs

    @property
    def wanted(self) -> Filter:
        """The filter that was asked for."""
        return self._wanted(self.validated_data)

    @staticmethod
    def _wanted(values: dict[str, Any]) -> Filter:
        return Filter(
            symbol=values.get("symbol"),
            error_type=values.get("error_type"),
            start=values.get("from"),
            end=values.get("to"),
        )


class CountOut(serializers.Serializer[Any]):
    """How many bars an act in bulk concerned."""

    count = serializers.IntegerField()


def _documented_resolution(summary: str) -> Callable[[Any], Any]:
    """The schema of an act on one bar in quarantine."""
    return extend_schema(
        summary=summary,
        request=ActIn,
        responses={
            200: QuarantineOut,
            404: OpenApiResponse(DetailOut, "no such entry"),
            409: OpenApiResponse(DetailOut, "it has been dealt with already"),
        },
        parameters=[ENTRY],
    )


def _documented_bulk(summary: str, operation_id: str) -> Callable[[Any], Any]:
    """The schema of an act on all bars in quarantine that a filter means."""
    return extend_schema(
        summary=summary, operation_id=operation_id, request=BulkIn, responses={200: CountOut}, filters=False
    )


@extend_schema_view(list=extend_schema(summary="Bars in quarantine, newest first"))
class QuarantineViewSet(ListViewSet):
    """Bars that were set aside and wait for an operator, and the operators' acts on them."""

    queryset = quarantine_entries.open_entries().select_related("symbol")
    serializer_class = QuarantineOut
    filterset_class = FaultFilter
    lookup_value_regex = "[0-9]+"
    lookup_url_kwarg = "id"
    permissions = {
        "replay": MayOperate,
        "discard": MayOperate,
        "replay_all": MayOperate,
        "discard_all": MayOperate,
    }

    @_documented_resolution("Accept the bar anew, for one attempt")
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """It runs after the bars that wait, marked late; if it fails it is back in quarantine."""
        return self._act(mailbox.replay, request, id)

    @_documented_resolution("Give the bar up")
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, id: str) -> Response:  # noqa: A002 - the address's word
        """It is in no window; only new values for it are still accepted."""
        return self._act(mailbox.discard, request, id)

    @_documented_bulk("Accept anew all bars that a filter means", "quarantine_replay_all")
    @action(detail=False, methods=["post"], url_path="replay")
    def replay_all(self, request: Request) -> Response:
        """The oldest first, each for itself; one that somebody else deals with meanwhile is not counted."""
        return self._act_on_all(quarantine_bulk.replay_all, request)

    @_documented_bulk("Give up all bars that a filter means", "quarantine_discard_all")
    @action(detail=False, methods=["post"], url_path="discard")
    def discard_all(self, request: Request) -> Response:
        """Each for itself; one that somebody else deals with meanwhile is not counted."""
        return self._act_on_all(quarantine_bulk.discard_all, request)

    def _act(self, act: Callable[..., None], request: Request, entry_id: str) -> Response:
        # Whatever became of it: dealt with already is another answer than never there.
        entries = QuarantinedBar.objects.filter(symbol__deleted_at=None).select_related("symbol")
        if (entry := entries.filter(pk=int(entry_id)).first()) is None:
            raise NotFound(f"Quarantine entry {entry_id} not found")
        asked = ActIn(data=request.data)
        asked.is_valid(raise_exception=True)
        act(entry, by=request.user.get_username(), now=timezone.now(), reason=asked.validated_data["reason"])
        entry.refresh_from_db(fields=["resolution", "resolved_at"])
        return Response(QuarantineOut(entry).data)

    def _act_on_all(self, act: Callable[..., int], request: Request) -> Response:
        asked = BulkIn(data=request.data)
        asked.is_valid(raise_exception=True)
        entries = quarantine_entries.matching(asked.wanted)
        if asked.validated_data["dry_run"]:
            return Response({"count": entries.count()})
        by, reason = request.user.get_username(), asked.validated_data["reason"]
        return Response({"count": act(entries, by=by, clock=timezone.now, reason=reason)})
