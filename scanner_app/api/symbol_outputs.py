"""How symbols are described in answers: in a list, one by itself, and what belongs to it."""

from typing import Any

from rest_framework import serializers

from scanner_app.domain import breaker
from scanner_app.domain.enums import Lane, RerunCause, SymbolState
from scanner_app.domain.timeframes import TIMEFRAMES


class AlarmPathOut(serializers.Serializer[Any]):
    """What the drills of the alarm path have shown (`manage.py drill`)."""

    proven_at = serializers.DateTimeField(allow_null=True, help_text="the last drill in which no step failed")
    failed_at = serializers.DateTimeField(allow_null=True, help_text="the last drill, if a step failed in it")
    failed_step = serializers.CharField(
        help_text="`run`, `failure`, `breaker`, `notice`, `half_open`, `recovery` or `all_clear`; empty: none"
    )
    detail = serializers.CharField(help_text="why it failed")


class SaidAlarmPathOut(AlarmPathOut):
    """The same, with a sentence."""

    said = serializers.CharField(help_text="`alarm path proven 3 h ago`, or what failed")


class SymbolOut(serializers.Serializer[Any]):
    """The status of one symbol, in a list."""

    id = serializers.IntegerField()
    symbol = serializers.CharField()
    state = serializers.ChoiceField([one.value for one in SymbolState])
    last_processed = serializers.DateTimeField(allow_null=True)
    consecutive_failures = serializers.IntegerField()
    circuit_state = serializers.ChoiceField([one.value for one in breaker.State])
    avg_latency_ms = serializers.FloatField(help_text="0 if no bar was processed yet")
    p95_latency_ms = serializers.IntegerField(help_text="0 if no bar was processed yet")
    bars_processed = serializers.IntegerField()
    backlog = serializers.IntegerField(help_text="accepted bars that are not finished, the head included")
    last_bar_time = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(
        allow_null=True,
        help_text="when the head will run; null if it is due or running, if there is no head, or while disabled",
    )
    enabled = serializers.BooleanField()
    lane = serializers.ChoiceField(list(Lane))
    is_stale = serializers.BooleanField(help_text="the symbol's feed is late, counted in its market's trading time")
    data_age_seconds = serializers.FloatField(
        allow_null=True, help_text="seconds since the end of the newest known bar; null if there is none"
    )
    stale_for_s = serializers.FloatField(help_text="seconds of trading time by which the feed is late; 0 unless stale")
    calendar = serializers.CharField(help_text="the symbol's own trading calendar, or the one from SCANNER_CALENDARS")
    gaps = serializers.IntegerField(help_text="gaps in the last 500 bars of each timeframe; counted once a minute")
    created_at = serializers.DateTimeField()
    disabled_until = serializers.DateTimeField(
        allow_null=True, help_text="when it is enabled by itself; null: by an operator, or it is enabled"
    )
    p95_limit_ms = serializers.IntegerField(
        help_text="p95 latency over which it is slow: its own limit, or SCANNER_ALERT_P95_MS"
    )


class RerunOut(serializers.Serializer[Any]):
    """A span of bars that the detectors look at again, because something changed after they were processed."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    first = serializers.DateTimeField(help_text="timestamp of the first changed bar")
    last = serializers.DateTimeField(help_text="timestamp of the last changed bar")
    cause = serializers.ChoiceField(list(RerunCause))
    detector = serializers.CharField(allow_null=True, help_text="the only detector that looks again; null: all of them")
    bars_done = serializers.IntegerField()
    bars_left = serializers.IntegerField(help_text="changed bars, without those whose windows reach them")
    failures = serializers.IntegerField(help_text="of a detector at the bar where it goes on, in a row")
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="after a failure; else null")
    last_error = serializers.CharField(allow_null=True)


class FormingOut(serializers.Serializer[Any]):
    """A bar whose period is not over."""

    timeframe = serializers.ChoiceField(list(TIMEFRAMES))
    timestamp = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField(help_text="its last price so far")
    volume = serializers.FloatField(allow_null=True)


class OneSymbolOut(SymbolOut):
    """The status of one symbol, with some fields more than in a list."""

    is_slow = serializers.BooleanField(help_text="the p95 latency of the last five minutes is over `p95_limit_ms`")
    quarantined = serializers.IntegerField(help_text="bars of the symbol in quarantine")
    reruns = RerunOut(many=True, help_text="spans of bars that the detectors still look at again")
    forming = FormingOut(many=True, help_text="of each timeframe the newest forming bar, the shortest first")
