"""What became of the bars of a request: the answer of `POST bars` and of a hook."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED, HTTP_400_BAD_REQUEST, HTTP_429_TOO_MANY_REQUESTS

from scanner_app import mailbox
from scanner_app.api.errors import RETRY_AFTER_S, DetailOut
from scanner_app.engine import ingest
from scanner_app.engine.ingest import REASONS

MAX_MESSAGE = 300
"""Characters of a rejection's message. It quotes the value that the client sent, which may be a megabyte."""

HOW_TO_REVISE = "the stored bar has other values and was not changed; to replace them, send the bar with ?revise=true"
"""What a conflict says."""

REVISE = OpenApiParameter(
    "revise",
    OpenApiTypes.BOOL,
    description="true: new values for known bars are revisions, which replace the stored ones",
)
"""The query parameter that makes conflicts revisions, for the schema."""


class ValuesOut(serializers.Serializer[Any]):
    """The values of a bar that its feed sends."""

    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(allow_null=True)


class ConflictOut(serializers.Serializer[Any]):
    """A bar that is known already and was sent again with other values. Sent with `?revise=true`, they replace it."""

    index = serializers.IntegerField(help_text="the bar's place in the request, counted from 0")
    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    timestamp = serializers.DateTimeField()
    stored = ValuesOut()
    sent = ValuesOut()
    message = serializers.CharField()


class RejectionOut(serializers.Serializer[Any]):
    """A bar that was not accepted."""

    index = serializers.IntegerField(help_text="the bar's place in the request, counted from 0")
    field = serializers.CharField()
    reason = serializers.ChoiceField(["invalid", "off_grid", "too_old", *REASONS])
    message = serializers.CharField()


class ReportOut(serializers.Serializer[Any]):
    """What happened to the bars of one request."""

    accepted = serializers.IntegerField(help_text="including new values for bars in quarantine and for discarded bars")
    duplicates = serializers.IntegerField()
    forming = serializers.IntegerField(help_text="bars whose period is not over: shown, not processed")
    revised = serializers.IntegerField(help_text="known bars whose values were replaced")
    conflicts = ConflictOut(many=True)
    rejected = RejectionOut(many=True)


NoBarTaken = PolymorphicProxySerializer(
    component_name="NoBarTaken", serializers=[ReportOut, DetailOut], resource_type_field_name=None
)
"""The body of a 400: what is wrong with each bar, or with the request as a whole."""


def answer(report: ingest.Report) -> Response:
    """The answer, with the status code that fits what happened."""
    code, headers = _verdict(report)
    return Response(_body(report), status=code, headers=headers)


def _verdict(report: ingest.Report) -> tuple[int, dict[str, str]]:
    """The status code and the headers of the answer."""
    if report.accepted or report.duplicates or report.forming or report.revised:
        return HTTP_202_ACCEPTED, {}
    if not report.conflicts and all(one.reason == mailbox.Verdict.BACKLOG_FULL for one in report.rejected):
        return HTTP_429_TOO_MANY_REQUESTS, {"Retry-After": str(RETRY_AFTER_S)}
    return HTTP_400_BAD_REQUEST, {}


def _body(report: ingest.Report) -> dict[str, Any]:
    """The answer's body, as ReportOut describes it."""
    # Without serializers: for 5,000 bars they would take longer than accepting the bars did.
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "forming": report.forming,
        "revised": report.revised,
        "conflicts": [
            {
                "index": one.index,
                "symbol": one.symbol,
                "timeframe": one.timeframe,
                "timestamp": one.timestamp.isoformat().replace("+00:00", "Z"),
                "stored": one.stored,
                "sent": one.sent,
                "message": HOW_TO_REVISE,
            }
            for one in report.conflicts
        ],
        "rejected": [
            {"index": one.index, "field": one.field, "reason": one.reason, "message": one.message[:MAX_MESSAGE]}
            for one in report.rejected
        ],
    }
