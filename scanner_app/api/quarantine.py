"""Bars in quarantine, and replaying and discarding them: one bar, or all bars that a filter chooses."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse
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
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app import mailbox
from scanner_app.api.base import ID_PATTERN, ListViewSet
from scanner_app.api.errors import DetailOut
from scanner_app.api.failures import FAULT_FIELDS, FaultFilter
from scanner_app.api.fields import ActIn, FilterOrAll, KeywordNames, RefusesUnknownKeys, TextIn, TimeIn, TruthIn
from scanner_app.api.permissions import MayOperate
from scanner_app.api.renderers import JSONButFiles
from scanner_app.domain.enums import Resolution
from scanner_app.engine import autopsy
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import QuarantinedBar
from scanner_app.reading import quarantine_entries
from scanner_app.reading.quarantine_entries import Filter

ENTRY = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the entry's id, from the list")


class PythonFile(BaseRenderer):
    """Lets clients ask for Python's media type. The view makes the answer itself."""

    media_type = "text/x-python"
    format = "py"


class QuarantineOut(serializers.ModelSerializer[QuarantinedBar]):
    """A bar in quarantine. It has the fields of a failed attempt, so that clients can show both alike."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")
    retry_delay_s = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField()
    times = serializers.SerializerMethodField()
    resolution = serializers.SerializerMethodField(help_text="what was done with it; null while it is in quarantine")

    class Meta:
        model = QuarantinedBar
        fields = [*FAULT_FIELDS, "retry_delay_s", "next_attempt_at", "times", "reason", "resolution", "resolved_at"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_retry_delay_s(self, _row: QuarantinedBar) -> None:
        """None: no attempt follows."""

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, _row: QuarantinedBar) -> None:
        """None: no attempt follows."""

    def get_times(self, _row: QuarantinedBar) -> int:
        """Always 1: it came into quarantine once."""
        return 1

    @extend_schema_field(serializers.ChoiceField(list(Resolution), allow_null=True))
    def get_resolution(self, row: QuarantinedBar) -> str | None:
        """What was done with it; None while it is in quarantine."""
        return row.resolution or None


class BulkIn(FilterOrAll, RefusesUnknownKeys, KeywordNames, ActIn):
    """Which bars in quarantine to act on."""

    one_of_them = "bar in quarantine"

    symbol = TextIn(required=False, help_text="ticker, in upper or lower case")
    error_type = TextIn(required=False)
    from_ = TimeIn(required=False, help_text="only bars whose timestamp is this or later")
    to = TimeIn(required=False, help_text="only bars whose timestamp is before this")
    all = TruthIn(
        required=False, default=False, help_text="must be true if there is no filter: act on every bar in quarantine"
    )
    dry_run = TruthIn(required=False, default=False, help_text="only count the bars, change nothing")

    def filter_of(self, values: dict[str, Any]) -> Filter:
        """The filter that these values describe."""
        return Filter(
            symbol=values.get("symbol"),
            error_type=values.get("error_type"),
            start=values.get("from"),
            end=values.get("to"),
        )


class CountOut(serializers.Serializer[Any]):
    """How many bars were acted on; in a dry run, how many would be."""

    count = serializers.IntegerField()


def _documented_action(summary: str) -> Callable[[Any], Any]:
    """The schema of an action on one bar in quarantine."""
    return extend_schema(
        summary=summary,
        request=ActIn,
        responses={
            200: QuarantineOut,
            404: OpenApiResponse(DetailOut, "no such entry"),
            409: OpenApiResponse(DetailOut, "it was replayed, discarded or replaced already"),
        },
        parameters=[ENTRY],
    )


def _documented_bulk_action(summary: str, operation_id: str) -> Callable[[Any], Any]:
    """The schema of an action on all bars in quarantine that a filter chooses."""
    return extend_schema(
        summary=summary, operation_id=operation_id, request=BulkIn, responses={200: CountOut}, filters=False
    )


@extend_schema_view(list=extend_schema(summary="Bars in quarantine, newest first"))
class QuarantineViewSet(JSONButFiles, ListViewSet):
    """Bars in quarantine, which wait for an operator."""

    queryset = quarantine_entries.open_entries().select_related("symbol")
    serializer_class = QuarantineOut
    filterset_class = FaultFilter
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"
    permissions = {
        "replay": MayOperate,
        "discard": MayOperate,
        "replay_all": MayOperate,
        "discard_all": MayOperate,
    }

    @_documented_action("Replay the bar: accept it again")
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """It gets a new sequence behind the bars that wait, is marked late, and has one attempt.

        If that fails, it is in quarantine again.
        """
        return self._act(mailbox.replay, request, id)

    @_documented_action("Discard the bar: give it up")
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """No window includes a discarded bar. It comes back only if new values for it are sent."""
        return self._act(mailbox.discard, request, id)

    @extend_schema(
        summary="The bar as a test that fails as it failed",
        parameters=[ENTRY],
        responses={
            (200, PythonFile.media_type): OpenApiTypes.STR,
            404: OpenApiResponse(DetailOut, "no such entry"),
        },
    )
    @action(detail=True, methods=["get"], renderer_classes=[JSONRenderer, PythonFile])
    def autopsy(self, request: Request, id: str) -> HttpResponse:  # noqa: ARG002, A002 - named after the address
        """One file for pytest: the window that the detectors saw, and their paths. It needs no scanner that runs."""
        entry = self._entry(id, select_related=("symbol", "bar__symbol"))
        name = autopsy.file_name(entry)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(
            autopsy.as_test(entry), content_type=f"{PythonFile.media_type}; charset=utf-8", headers=headers
        )

    @_documented_bulk_action("Replay all bars that a filter chooses", "quarantine_replay_all")
    @action(detail=False, methods=["post"], url_path="replay")
    def replay_all(self, request: Request) -> Response:
        """The oldest first, each in its own transaction. Bars that somebody else acts on meanwhile are not counted."""
        return self._act_on_all(quarantine_bulk.replay_all, request)

    @_documented_bulk_action("Discard all bars that a filter chooses", "quarantine_discard_all")
    @action(detail=False, methods=["post"], url_path="discard")
    def discard_all(self, request: Request) -> Response:
        """Each in its own transaction. Bars that somebody else acts on meanwhile are not counted."""
        return self._act_on_all(quarantine_bulk.discard_all, request)

    def _entry(self, wanted: str, *, select_related: Sequence[str]) -> QuarantinedBar:
        """The entry, settled or not. Raises NotFound."""
        entries = QuarantinedBar.objects.filter(symbol__deleted_at=None).select_related(*select_related)
        entry: QuarantinedBar = self.row_of(wanted, "Quarantine entry", among=entries)
        return entry

    def _act(self, act: Callable[..., None], request: Request, entry_id: str) -> Response:
        """Act on one bar in the user's name and answer with its entry."""
        # Also entries that have left quarantine: for them `act` raises NotInQuarantine, which is 409 instead of 404.
        entry = self._entry(entry_id, select_related=("symbol",))
        body = ActIn(data=request.data)
        body.is_valid(raise_exception=True)
        act(entry, by=request.user.get_username(), now=timezone.now(), reason=body.validated_data["reason"])
        entry.refresh_from_db(fields=["resolution", "resolved_at"])
        return Response(QuarantineOut(entry).data)

    def _act_on_all(self, act: Callable[..., int], request: Request) -> Response:
        """Act on all bars that the request's filter chooses and answer with their number."""
        body = BulkIn(data=request.data)
        body.is_valid(raise_exception=True)
        entries = quarantine_entries.matching(body.wanted)
        if body.validated_data["dry_run"]:
            return Response({"count": entries.count()})
        by, reason = request.user.get_username(), body.validated_data["reason"]
        return Response({"count": act(entries, by=by, clock=timezone.now, reason=reason)})
