"""The rows that the scanner leaves behind, to be read: bars, signals, failures, events, notifications."""

from django.contrib import admin
from django.utils.safestring import SafeString

from scanner_app.admin import told
from scanner_app.admin.base import (
    RecordAdmin,
    Traced,
    as_it_is,
    badge_column,
    mark_column,
    newest_filter,
    number_column,
    one_line,
    time_column,
)
from scanner_app.detectors import Direction
from scanner_app.models import (
    Bar,
    BarStatus,
    EventKind,
    Notification,
    NotificationKind,
    NotificationState,
    ProcessingFailure,
    Signal,
    SymbolEvent,
)
from scanner_app.timeframes import TIMEFRAMES

PRICES = tuple(number_column(name, name) for name in ("open", "high", "low", "close", "volume"))
TIMEFRAME = newest_filter("timeframe", TIMEFRAMES)


@admin.register(Bar)
class BarAdmin(RecordAdmin):
    """The log of every symbol."""

    list_display = (
        "symbol",
        "timeframe",
        time_column("timestamp", "Opened"),
        *PRICES,
        "sequence",
        badge_column("status", "Status"),
        "attempts",
        number_column("latency_ms", "Latency (ms)"),
        mark_column("late"),
        time_column("accepted_at", "Accepted"),
    )
    list_filter = (newest_filter("status", BarStatus.values), TIMEFRAME)
    fields = readonly_fields = (
        "symbol",
        "timeframe",
        time_column("timestamp", "Opened"),
        *PRICES,
        badge_column("status", "Status"),
        "sequence",
        "attempts",
        "late",
        "replayed",
        "held",
        time_column("accepted_at", "Accepted"),
        time_column("finished_at", "Finished"),
        number_column("latency_ms", "Latency (ms)"),
        "story",
    )

    @admin.display(description="Timeline (UTC)")
    def story(self, bar: Bar) -> SafeString:
        """What happened to it, from its acceptance on."""
        return told.story(bar)


@admin.register(Signal)
class SignalAdmin(RecordAdmin):
    """What the detectors found."""

    list_display = (
        "symbol",
        "timeframe",
        time_column("timestamp", "Bar"),
        "pattern",
        badge_column("direction", "Direction"),
        number_column("strength", "Strength"),
        "detector",
        mark_column("late"),
        time_column("created_at", "Found"),
    )
    list_filter = (newest_filter("direction", [direction.value for direction in Direction]), TIMEFRAME)
    fields = readonly_fields = (
        "symbol",
        "bar",
        "pattern",
        badge_column("direction", "Direction"),
        number_column("strength", "Strength"),
        "detector",
        "late",
        time_column("created_at", "Found"),
    )


@admin.register(ProcessingFailure)
class ProcessingFailureAdmin(Traced):
    """Failed attempts."""

    list_display = (
        "symbol",
        time_column("timestamp", "Bar"),
        "attempt",
        "times",
        time_column("failed_at", "Failed"),
        "error_type",
        "first_line",
        number_column("retry_delay_s", "Retry delay (s)"),
        time_column("next_attempt_at", "Next attempt"),
    )
    fields = readonly_fields = (
        "symbol",
        "bar",
        "attempt",
        "times",
        time_column("failed_at", "Failed"),
        number_column("retry_delay_s", "Retry delay (s)"),
        time_column("next_attempt_at", "Next attempt"),
        "error_type",
        "whole_message",
        "whole_traceback",
    )


@admin.register(SymbolEvent)
class SymbolEventAdmin(RecordAdmin):
    """The timeline: every change of state and every operator's act."""

    list_display = (time_column("at", "When"), "symbol", badge_column("kind", "Event"), "actor", "reason")
    list_filter = (newest_filter("kind", EventKind.values),)
    fields = readonly_fields = (
        "symbol",
        badge_column("kind", "Event"),
        time_column("at", "When"),
        "bar",
        "actor",
        "reason",
    )


@admin.register(Notification)
class NotificationAdmin(RecordAdmin):
    """What the administrators were told, by which channel, and what was not sent and why."""

    list_display = (
        time_column("at", "When"),
        "symbol",
        badge_column("kind", "About"),
        "subject",
        "channel",
        badge_column("state", "State"),
        "attempts",
        time_column("sent_at", "Sent"),
        "error_line",
    )
    list_filter = (newest_filter("state", NotificationState.values), newest_filter("kind", NotificationKind.values))
    fields = readonly_fields = (
        "symbol",
        "bar",
        badge_column("kind", "About"),
        time_column("at", "When"),
        "subject",
        "whole_body",
        "channel",
        badge_column("state", "State"),
        "attempts",
        time_column("next_try_at", "Next try"),
        time_column("sent_at", "Sent"),
        "whole_error",
        "digest",
        "message_id",
    )

    @admin.display(description="Error")
    def error_line(self, row: Notification) -> SafeString | str:
        """One line of why it was not sent."""
        return one_line(row.error)

    @admin.display(description="Error")
    def whole_error(self, row: Notification) -> SafeString | str:
        """Why it was not sent."""
        return as_it_is(row.error)

    @admin.display(description="Text")
    def whole_body(self, row: Notification) -> SafeString | str:
        """The text, with its lines."""
        return as_it_is(row.body)
