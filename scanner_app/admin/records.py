"""The rows that the scanner leaves behind, to be read: bars, signals, failures, quarantined bars, events."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scanner_app.admin.base import (
    EMPTY,
    RecordAdmin,
    badge_column,
    mark_column,
    newest_filter,
    number_column,
    time_column,
)
from scanner_app.detectors import Direction
from scanner_app.models import (
    Bar,
    BarStatus,
    EventKind,
    ProcessingFailure,
    QuarantinedBar,
    Resolution,
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
    )


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


class _Traced(RecordAdmin):
    """Rows with a traceback, which is shown as it is."""

    @admin.display(description="Message")
    def first_line(self, row: Any) -> SafeString | str:
        """One line of the message; the whole on hovering and on the row's page."""
        text = row.message
        return format_html('<span class="one-line" title="{}">{}</span>', text[:500], text[:120]) if text else EMPTY

    @admin.display(description="Message")
    def whole_message(self, row: Any) -> SafeString | str:
        """The whole message, with its lines."""
        return format_html('<pre class="traceback">{}</pre>', row.message) if row.message else EMPTY

    @admin.display(description="Traceback")
    def whole_traceback(self, row: Any) -> SafeString | str:
        """The traceback as Python writes it."""
        return format_html('<pre class="traceback">{}</pre>', row.traceback) if row.traceback else EMPTY


@admin.register(ProcessingFailure)
class ProcessingFailureAdmin(_Traced):
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


@admin.register(QuarantinedBar)
class QuarantinedBarAdmin(_Traced):
    """Bars set aside so that their symbol could go on."""

    list_display = (
        "symbol",
        time_column("timestamp", "Bar"),
        "reason",
        "error_type",
        "first_line",
        "attempt",
        time_column("failed_at", "Set aside"),
        "what_became_of_it",
    )
    list_filter = (newest_filter("resolution", Resolution.values, in_quarantine=""),)
    fields = readonly_fields = (
        "symbol",
        "bar",
        "reason",
        "attempt",
        time_column("failed_at", "Set aside"),
        "what_became_of_it",
        time_column("resolved_at", "Since"),
        "error_type",
        "whole_message",
        "whole_traceback",
    )

    @admin.display(description="Now")
    def what_became_of_it(self, row: QuarantinedBar) -> str:
        """Whether it still is in quarantine."""
        return row.resolution or "in quarantine"


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
