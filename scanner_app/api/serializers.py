"""What goes in and out, as it is documented in the schema. Each `...In` is a request, each `...Out` an answer."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.api.filters import BAR_STATUSES, PROCESSING, utc_time
from scanner_app.domain import breaker, tickers
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.enums import Lane, OverallStatus, Resolution, SymbolState
from scanner_app.domain.explanation.actions import ACTIONS
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine.ingest import REASONS
from scanner_app.models import Alert, Bar, ProcessingFailure, QuarantinedBar, Signal
from scanner_app.notifications import links
from scanner_app.reading.quarantine_entries import Filter

MAX_REASON = 1_000
"""Characters of an operator's reason: a sentence or ten, and no file pasted by mistake."""


class SymbolOut(serializers.Serializer[Any]):
    """One symbol, as `status.SymbolSummary` has it."""

    id = serializers.IntegerField()
    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    last_processed = serializers.DateTimeField(allow_null=True)
    consecutive_failures = serializers.IntegerField()
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    avg_latency_ms = serializers.FloatField(help_text="0 without bars")
    p95_latency_ms = serializers.IntegerField(help_text="0 without bars")
    bars_processed = serializers.IntegerField()
    backlog = serializers.IntegerField(help_text="bars that are not done with, the head included")
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="when the head will really run; null: due, running, disabled, or none there"
    )
    enabled = serializers.BooleanField()
    lane = serializers.ChoiceField(list(Lane))
    is_stale = serializers.BooleanField(help_text="its feed is late, counted in its market's trading time")
    data_age_seconds = serializers.FloatField(
        allow_null=True, help_text="since the end of the newest bar known; null: no bar yet"
    )
    stale_for_s = serializers.FloatField(help_text="trading time beyond what its timeframe allows; 0 unless stale")
    calendar = serializers.CharField(help_text="its own, or that of SCANNER_CALENDARS")
    gaps = serializers.IntegerField(help_text="in its last 500 bars of each timeframe; counted every minute")
    created_at = serializers.DateTimeField()


class OneSymbolOut(SymbolOut):
    """One symbol that was asked for by itself."""

    is_slow = serializers.BooleanField(help_text="the p95 of its last five minutes is over the alert's limit")
    quarantined = serializers.IntegerField(help_text="its bars that wait in quarantine")


@extend_schema_serializer(many=False)
class OverviewOut(serializers.Serializer[Any]):
    """All symbols, counted and judged, as `status.Overview` has them."""

    overall_status = serializers.ChoiceField([one.value for one in OverallStatus])
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="why it is not healthy, the worst first; empty while it is"
    )
    alerts = serializers.IntegerField(help_text="alerts that have fired and are not over")
    total_symbols = serializers.IntegerField()
    enabled_symbols = serializers.IntegerField()
    healthy_symbols = serializers.IntegerField()
    paused_symbols = serializers.IntegerField(help_text="disabled ones included")
    failed_symbols = serializers.IntegerField()
    bars_per_second = serializers.FloatField(help_text="over the last 10 s")
    backlog = serializers.IntegerField(help_text="heads included")
    stale_symbols = serializers.IntegerField(help_text="enabled ones whose feed is late")
    symbols = SymbolOut(many=True, help_text="by ticker")


class GapsIn(serializers.Serializer[Any]):
    """Which gaps: the parameters of the request's address."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES), required=False, help_text="only of this one")


class GapOut(serializers.Serializer[Any]):
    """A place in a series where bars are missing, as `gaps.Gap` has it."""

    id = serializers.IntegerField(help_text="of the bar after it")
    timeframe = serializers.CharField()
    # `from` is a keyword of Python's: get_fields() drops the underscore.
    from_ = serializers.DateTimeField(source="start", help_text="end of the bar before it")
    to = serializers.DateTimeField(source="end", help_text="opening of the bar after it")
    missing = serializers.IntegerField(help_text="bars, by the symbol's calendar")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields by the names of the answer's keys."""
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}


class GapsOut(serializers.Serializer[Any]):
    """Gaps in the form of the lists; they all fit on one page."""

    next = serializers.CharField(allow_null=True, help_text="always null")
    previous = serializers.CharField(allow_null=True, help_text="always null")
    results = GapOut(many=True, help_text="newest first")


class SymbolIn(serializers.Serializer[Any]):
    """A symbol for the watch list."""

    symbol = serializers.CharField(help_text="ticker; stored in upper case")

    def validate_symbol(self, value: str) -> str:
        """The ticker as it is stored."""
        try:
            return tickers.normalise(value)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


class SymbolChangeIn(serializers.Serializer[Any]):
    """What of a symbol may be changed."""

    enabled = serializers.BooleanField(required=False)
    calendar = serializers.CharField(
        required=False, allow_blank=True, help_text="a name of exchange_calendars; empty: by SCANNER_CALENDARS"
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)

    def validate_calendar(self, value: str) -> str:
        """The name of a calendar that there is."""
        if value and value not in NAMES:
            raise serializers.ValidationError(f"{value!r} is no trading calendar: {hint(value)}")
        return value


class ActIn(serializers.Serializer[Any]):
    """An operator's act may say why."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_REASON)


class DeleteIn(ActIn):
    """How to delete a symbol: the parameters of the request's address."""

    force = serializers.BooleanField(required=False, default=False, help_text="also while bars wait, which are lost")


class TimeIn(serializers.DateTimeField):
    """A time, read as the lists' parameters are."""

    def to_internal_value(self, value: Any) -> datetime:
        """The time as an aware one in UTC. Raises ValidationError."""
        try:
            return utc_time(value if isinstance(value, str) else "")
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from None


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


class BarIn(serializers.Serializer[Any]):
    """A bar to accept. For the schema only: `ingest` reads the raw values, thousands at a time."""

    symbol = serializers.CharField()
    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField(help_text="its opening, ISO 8601 with an offset or Z")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField(min_value=0)


class ConflictOut(serializers.Serializer[Any]):
    """A known bar that came again with other values."""

    index = serializers.IntegerField(help_text="place in the request, from 0")
    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    timestamp = serializers.DateTimeField()


class RejectionOut(serializers.Serializer[Any]):
    """A bar that was not accepted."""

    index = serializers.IntegerField(help_text="place in the request, from 0")
    field = serializers.CharField()
    reason = serializers.ChoiceField(["invalid", "too_old", *REASONS])
    message = serializers.CharField()


class ReportOut(serializers.Serializer[Any]):
    """What became of the bars of one call."""

    accepted = serializers.IntegerField(help_text="corrected bars included")
    duplicates = serializers.IntegerField()
    conflicts = ConflictOut(many=True)
    rejected = RejectionOut(many=True)


class BarOut(serializers.ModelSerializer[Bar]):
    """A bar. Its symbol's ticker, head and attempts are annotated by the viewset."""

    symbol = serializers.CharField(source="ticker")
    status = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()

    class Meta:
        model = Bar
        fields = [
            "id",
            "symbol",
            "timeframe",
            "timestamp",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "sequence",
            "status",
            "late",
            "held",
            "attempts",
            "accepted_at",
            "finished_at",
            "latency_ms",
        ]

    @extend_schema_field(serializers.ChoiceField(BAR_STATUSES))
    def get_status(self, bar: Any) -> str:
        """The stored status, or `processing` for the head of an enabled symbol."""
        return PROCESSING if _is_head(bar) and bar.enabled else str(bar.status)

    def get_attempts(self, bar: Any) -> int:
        """Runs that the bar took; of the head, those that failed so far."""
        return int(bar.head_attempts if _is_head(bar) else bar.attempts)


def _is_head(bar: Any) -> bool:
    return bool(bar.sequence == bar.head)  # which is None without one


class SignalOut(serializers.ModelSerializer[Signal]):
    """What a detector found on a bar."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")

    class Meta:
        model = Signal
        fields = [
            "id",
            "symbol",
            "timeframe",
            "timestamp",
            "bar",
            "detector",
            "pattern",
            "direction",
            "strength",
            "late",
            "created_at",
        ]


FAULT_FIELDS = ["id", "symbol", "bar", "timestamp", "attempt", "failed_at", "error_type", "message", "traceback"]


class FailureOut(serializers.ModelSerializer[ProcessingFailure]):
    """A failed attempt of a bar."""

    symbol = serializers.CharField(source="symbol.ticker")
    bar = serializers.IntegerField(source="bar_id", help_text="the bar's id")

    class Meta:
        model = ProcessingFailure
        fields = [*FAULT_FIELDS, "retry_delay_s", "next_attempt_at", "times"]


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


class AlertOut(serializers.ModelSerializer[Alert]):
    """An alert: since when a rule holds, and who knows of it."""

    symbol = serializers.SerializerMethodField(help_text="ticker; null: an alert of the whole or of `subject`")
    runbook = serializers.SerializerMethodField(help_text="the rule's page in the repository")
    runbook_url = serializers.SerializerMethodField(help_text="the same on the site; null of a rule that is no more")

    class Meta:
        model = Alert
        fields = [
            "id",
            "rule",
            "severity",
            "symbol",
            "subject",
            "state",
            "message",
            "began_at",
            "fired_at",
            "cleared_at",
            "told_at",
            "muted_by",
            "acknowledged_at",
            "acknowledged_by",
            "acknowledge_reason",
            "silenced_until",
            "silenced_by",
            "silence_reason",
            "runbook",
            "runbook_url",
        ]

    def get_symbol(self, row: Alert) -> str | None:
        """Its ticker."""
        return row.symbol.ticker if row.symbol else None

    def get_runbook(self, row: Alert) -> str:
        """Also of a rule that there is no more."""
        return links.runbook_file(row.rule)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_runbook_url(self, row: Alert) -> str | None:
        """On the host by which the client knows us."""
        address = links.runbook_path(row.rule)
        return address and self.context["request"].build_absolute_uri(address)


class SilenceIn(ActIn):
    """For how long nothing is told of an alert."""

    minutes = serializers.IntegerField(min_value=0, max_value=MAX_SILENCE_MINUTES, help_text="0 ends a silence")


class ActionOut(serializers.Serializer[Any]):
    """An operator's act that makes sense now, and the request that does it."""

    name = serializers.ChoiceField(list(ACTIONS))
    sentence = serializers.CharField(help_text="what it does")
    method = serializers.CharField()
    path = serializers.CharField()
    body = serializers.DictField(child=serializers.CharField(), help_text="to be sent, beside an optional `reason`")
    allowed = serializers.BooleanField(help_text="whether this user may do it")


class ExplanationOut(serializers.Serializer[Any]):
    """Why a symbol is as it is, as `domain.explanation.result.Explanation` has it."""

    symbol = serializers.CharField()
    code = serializers.ChoiceField([one.value for one in Code], help_text="which case it is, for programs")
    summary = serializers.CharField()
    cause = serializers.CharField()
    next = serializers.CharField(help_text="what happens next, by itself")
    notes = serializers.ListField(child=serializers.CharField(), help_text="what else is to be known")
    text = serializers.CharField(help_text="all of it in one paragraph")
    actions = ActionOut(many=True)
    since = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField(help_text="bars that are not done with")
    catch_up_s = serializers.FloatField(allow_null=True, help_text="an estimate; null: unknown, or nothing waits")


class LineOut(serializers.Serializer[Any]):
    """A line of a timeline, as `timeline.TimelineLine` has it."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(help_text="of a hold's failures, which are one line: the last")
    actor = serializers.CharField(help_text="a user's name, or scanner")
    reason = serializers.CharField()
    bar = serializers.IntegerField(allow_null=True, help_text="the bar's id")
    sentence = serializers.CharField()
    failure = serializers.IntegerField(allow_null=True, help_text="id of the failed attempt in the list of failures")
    attempt = serializers.IntegerField(allow_null=True)
    times = serializers.IntegerField(help_text="more than 1: counted up in a hold")
    error_type = serializers.CharField()
    message = serializers.CharField()
    retry_delay_s = serializers.FloatField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class BarLineOut(LineOut):
    """A line of a bar's timeline."""

    id = serializers.IntegerField(help_text="its place in the story, 1 is the first")
    after_s = serializers.FloatField(allow_null=True, help_text="seconds since the line before; null for the first")


class StoryOut(serializers.Serializer[Any]):
    """A bar's timeline: always whole, in the form of a list."""

    next = serializers.CharField(allow_null=True, help_text="null: all lines are here")
    previous = serializers.CharField(allow_null=True)
    results = BarLineOut(many=True)


class DetailOut(serializers.Serializer[Any]):
    """An error that concerns no field."""

    detail = serializers.CharField()


class TokenIn(serializers.Serializer[Any]):
    """Who wants a token."""

    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class TokenOut(serializers.Serializer[Any]):
    """The user's token, for `Authorization: Token …`."""

    token = serializers.CharField()
