"""Bars and signals of one series, for the chart on a symbol's page."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from scanner_app.api.errors import DetailOut
from scanner_app.api.fields import DIRECTIONS, TimeframeIn
from scanner_app.api.permissions import MayRead
from scanner_app.api.symbol_outputs import FormingOut
from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.reading import chart, symbol_status, symbols


class ChartBarOut(serializers.Serializer[Any]):
    """A bar of a chart."""

    id = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(allow_null=True, help_text="null: unknown")
    derived = serializers.BooleanField(help_text="made from bars of a smaller timeframe")
    status = serializers.ChoiceField([one for one in list(BarStatus) if one != BarStatus.DISCARDED])


class ChartSignalOut(serializers.Serializer[Any]):
    """A signal on a bar of a chart."""

    timestamp = serializers.DateTimeField(help_text="of the signal's bar")
    detector = serializers.CharField()
    pattern = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    strength = serializers.FloatField()
    late = serializers.BooleanField()
    revised = serializers.BooleanField(help_text="found when the detectors looked again at a changed bar")


class LinePointOut(serializers.Serializer[Any]):
    """A point of a line."""

    timestamp = serializers.DateTimeField()
    price = serializers.FloatField()


class ChartLineOut(serializers.Serializer[Any]):
    """A line that shows what a signal saw."""

    timestamp = serializers.DateTimeField(help_text="of the signal's bar")
    points = LinePointOut(many=True, help_text="two or more, oldest first")


@extend_schema_serializer(many=False)
class ChartOut(serializers.Serializer[Any]):
    """The newest bars of a series, by timestamp, with their signals."""

    symbol = serializers.CharField()
    timeframes = serializers.ListField(
        child=serializers.CharField(), help_text="timeframes that the symbol has bars of, closed or forming"
    )
    timeframe = serializers.ChoiceField(
        list(TIMEFRAMES), allow_null=True, help_text="the timeframe of `bars`; null if the symbol has no bars"
    )
    bars = ChartBarOut(many=True, help_text="oldest first, without discarded bars")
    forming = FormingOut(allow_null=True, help_text="the bar after these, if it is forming; no signal is on it")
    signals = ChartSignalOut(many=True, help_text="oldest first, without withdrawn ones")
    lines = ChartLineOut(
        many=True,
        help_text="what signals of `pattern` saw, if their detector draws it: a range, averages; of the newest 30",
    )


class ChartIn(serializers.Serializer[Any]):
    """Query parameters of the chart."""

    symbol = serializers.CharField(help_text="ticker, in upper or lower case")
    timeframe = TimeframeIn(required=False, help_text="by default the shortest timeframe that the symbol has bars of")
    pattern = serializers.CharField(required=False, max_length=64, help_text="with the lines of these signals")
    limit = serializers.IntegerField(min_value=1, max_value=chart.MAX_BARS, default=chart.BARS)


class ChartViewSet(ViewSet):
    """Bars and signals of one series, for a chart."""

    permission_classes = [MayRead]

    @extend_schema(
        summary="The newest bars of a series, with their signals",
        parameters=[ChartIn],
        responses={200: ChartOut, 404: DetailOut},
        operation_id="chart_retrieve",
    )
    def list(self, request: Request) -> Response:
        """Ordered by timestamp, unlike the list of bars, which is in the order of acceptance."""
        query = ChartIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        values = query.validated_data
        symbol = symbols.get(values["symbol"], among=symbol_status.shown_symbols())
        found = chart.chart(
            symbol, values.get("timeframe"), limit=values["limit"], now=timezone.now(), pattern=values.get("pattern")
        )
        return Response(ChartOut(found).data)
