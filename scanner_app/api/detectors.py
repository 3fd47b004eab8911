"""Detectors, and switching them off and on for all symbols."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from scanner_app.api.base import PermissionsByAction
from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import ActIn
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayOperate
from scanner_app.domain.enums import DetectorState
from scanner_app.engine import detector_switches
from scanner_app.reading import detectors

NAME = OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH, description="the detector's name")


class DetectorOut(serializers.Serializer[Any]):
    """A detector of SCANNER_DETECTORS, and whether it runs."""

    id = serializers.CharField(help_text="its name")
    name = serializers.CharField()
    version = serializers.CharField(help_text="empty: not known")
    state = serializers.ChoiceField([one.value for one in DetectorState])
    failures = serializers.IntegerField(help_text="failed attempts that came from it, of those that are kept")
    missing_bars = serializers.IntegerField(help_text="bars completed without it that it has not looked at yet")
    changed_at = serializers.DateTimeField(allow_null=True, help_text="when it was switched last; null: never")
    by = serializers.CharField(allow_null=True, help_text="by whom: a user, or `scanner`")
    reason = serializers.CharField(allow_null=True)
    probe_at = serializers.DateTimeField(allow_null=True, help_text="when it is tried next; null: not by itself")


class DetectorsOut(serializers.Serializer[Any]):
    """All detectors, in the form of a list with one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = DetectorOut(many=True, help_text="in the order of SCANNER_DETECTORS")


def _documented_action(summary: str) -> Callable[[Any], Any]:
    return extend_schema(
        summary=summary,
        request=ActIn,
        responses={
            (200, "application/json"): DetectorOut,
            404: OpenApiResponse(DetailOut, "no such detector"),
        },
        parameters=[NAME],
    )


@extend_schema_view(
    list=extend_schema(
        summary="The detectors",
        responses={(200, "application/json"): forced_singular_serializer(DetectorsOut)},  # type: ignore[no-untyped-call]
    )
)
class DetectorViewSet(PermissionsByAction, ViewSet):
    """The detectors of SCANNER_DETECTORS."""

    parser_classes = [SafeJSONParser]
    lookup_url_kwarg = "name"
    lookup_value_regex = ".+"
    permissions = {"off": MayOperate, "on": MayOperate}

    def list(self, request: Request) -> Response:  # noqa: ARG002 - the view's signature
        """Each with its state, its failures, and the bars that it has missed."""
        return Response({"next": None, "previous": None, "results": DetectorOut(detectors.of_all(), many=True).data})

    @_documented_action("Switch a detector off for all symbols")
    @action(detail=True, methods=["post"])
    def off(self, request: Request, name: str) -> Response:
        """Bars are completed without it from some seconds later on, and symbols that it stopped go on."""
        return self._switch(request, name, detector_switches.switch_off)

    @_documented_action("Switch a detector on again")
    @action(detail=True, methods=["post"])
    def on(self, request: Request, name: str) -> Response:
        """It looks at the bars that it has missed, little by little."""
        return self._switch(request, name, detector_switches.switch_on)

    def _switch(self, request: Request, name: str, act: Callable[..., bool]) -> Response:
        body = ActIn(data=request.data)
        body.is_valid(raise_exception=True)
        known = detectors.get(name).name
        act(known, by=request.user.get_username(), now=timezone.now(), reason=body.validated_data["reason"])
        return Response(DetectorOut(detectors.get(known)).data)
