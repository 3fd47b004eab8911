"""The lists that can only be read: bars, signals, failed attempts, events, notifications."""

import json

from django.contrib import admin
from django.db.models import Model
from django.utils.safestring import SafeString

from scanner_app.admin import explained
from scanner_app.admin.base import (
    EMPTY,
    RecordAdmin,
    WithTraceback,
    badge_column,
    mark_column,
    newest_filter,
    number_column,
    one_line,
    preformatted,
    time_column,
    utc,
)
from scanner_app.admin.links import (
    WithLinks,
    bar_column,
    chart_url,
    link,
    list_url,
    page_url,
    row_of_links,
    row_url,
    symbol_column,
    task_url,
)
from scanner_app.detectors import Direction
from scanner_app.domain.enums import BarStatus, EventKind, NotificationKind, NotificationState
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.mailbox.heads import message_of
from scanner_app.models import Bar, Notification, ProcessingFailure, QuarantinedBar, Signal, SymbolEvent

PRICES = tuple(number_column(name, name) for name in ("open", "high", "low", "close", "volume"))
TIMEFRAME = newest_filter("timeframe", TIMEFRAMES)

# Columns that link to the row's own page. (The symbol's column links to the symbol, the bar's column to the bar.)
OPENED = time_column("timestamp", "Opened")
FAILED = time_column("failed_at", "Failed")
WHEN = time_column("at", "When")


@admin.register(Bar)
class BarAdmin(RecordAdmin):
    """The bars of all symbols."""

    list_display = (
        symbol_column(),
        "timeframe",
        OPENED,
        *PRICES,
        "sequence",
        badge_column("status", "Status"),
        "attempts",
        number_column("latency_ms", "Latency (ms)"),
        mark_column("late"),
        time_column("accepted_at", "Accepted"),
    )
    list_display_links = (OPENED,)
    list_filter = (newest_filter("status", list(BarStatus)), TIMEFRAME)
    fields = readonly_fields = (
        "symbol",
        "rows_of_the_bar",
        "timeframe",
        OPENED,
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
        "request_id",
        "story",
    )

    @admin.display(description="Look at")
    def rows_of_the_bar(self, bar: Bar) -> SafeString:
        """Links to the chart, to the bar's rows in other lists, and, for a head, to its task in Flower."""
        status = bar.symbol.status
        tables: tuple[type[Signal | ProcessingFailure | QuarantinedBar | SymbolEvent], ...]
        tables = (Signal, ProcessingFailure, QuarantinedBar, SymbolEvent)
        counts = [(table, table.objects.filter(bar=bar).count()) for table in tables]
        return row_of_links(
            [
                (page_url(bar.pk), "Page of the bar"),
                (chart_url(bar.symbol.ticker), "Chart"),
                *((list_url(table, bar__id__exact=bar.pk), _counted(count, table)) for table, count in counts if count),
                (task_url(message_of(status).task_id) if status.head == bar.sequence else None, "Task in Flower"),
            ]
        )

    @admin.display(description="Timeline (UTC)")
    def story(self, bar: Bar) -> SafeString:
        """What happened to it, from its acceptance on."""
        return explained.story(bar)


def _counted(count: int, table: type[Model]) -> str:
    return f"{count} {table._meta.verbose_name if count == 1 else table._meta.verbose_name_plural}"  # noqa: SLF001


@admin.register(Signal)
class SignalAdmin(WithLinks, RecordAdmin):
    """What the detectors found."""

    list_display = (
        symbol_column(),
        "timeframe",
        bar_column(),
        "pattern",
        badge_column("direction", "Direction"),
        number_column("strength", "Strength"),
        "detector",
        mark_column("late"),
        time_column("created_at", "Found"),
    )
    list_display_links = ("pattern",)
    list_filter = (newest_filter("direction", [direction.value for direction in Direction]), TIMEFRAME)
    fields = readonly_fields = (
        "symbol",
        "bar",
        "look_at",
        "pattern",
        badge_column("direction", "Direction"),
        number_column("strength", "Strength"),
        "detector",
        "late",
        time_column("created_at", "Found"),
    )


@admin.register(ProcessingFailure)
class ProcessingFailureAdmin(WithLinks, WithTraceback):
    """Failed attempts."""

    list_display = (
        symbol_column(),
        bar_column(),
        "attempt",
        "times",
        FAILED,
        "detector",
        "error_type",
        "first_line",
        number_column("retry_delay_s", "Retry delay (s)"),
        time_column("next_attempt_at", "Next attempt"),
    )
    list_display_links = (FAILED,)
    fields = readonly_fields = (
        "symbol",
        "bar",
        "look_at",
        "attempt",
        "times",
        FAILED,
        number_column("retry_delay_s", "Retry delay (s)"),
        time_column("next_attempt_at", "Next attempt"),
        "detector",
        "detector_version",
        time_column("worker_since", "Worker started"),
        "error_type",
        "place",
        "whole_message",
        "whole_traceback",
    )


@admin.register(SymbolEvent)
class SymbolEventAdmin(RecordAdmin):
    """The symbols' events: every change of state and every operator's action."""

    list_display = (WHEN, symbol_column(), badge_column("kind", "Event"), "its_bar", "actor", "reason")
    list_display_links = (WHEN,)
    list_select_related = ("symbol", "bar")
    list_filter = (newest_filter("kind", list(EventKind)),)
    fields = readonly_fields = (
        "symbol",
        badge_column("kind", "Event"),
        WHEN,
        "bar",
        "actor",
        "reason",
        "what_changed",
    )

    @admin.display(description="Before and after")
    def what_changed(self, row: SymbolEvent) -> SafeString | str:
        """What an operator's action has changed."""
        return preformatted(json.dumps(row.detail, indent=2) if row.detail else "")

    @admin.display(description="Bar (UTC)")
    def its_bar(self, row: SymbolEvent) -> SafeString | str:
        """The bar that it happened to."""
        if row.bar is None:
            return EMPTY
        return link(row_url(row.bar, row.bar_id), f"{row.bar.timeframe} {utc(row.bar.timestamp)}")


@admin.register(Notification)
class NotificationAdmin(RecordAdmin):
    """The notifications to the administrators: their channel and state, and the error if one was not sent."""

    list_display = (
        WHEN,
        symbol_column(),
        badge_column("kind", "About"),
        "subject",
        "channel",
        badge_column("state", "State"),
        "attempts",
        time_column("sent_at", "Sent"),
        "error_line",
    )
    list_display_links = (WHEN,)
    list_filter = (newest_filter("state", list(NotificationState)), newest_filter("kind", list(NotificationKind)))
    fields = readonly_fields = (
        "symbol",
        "bar",
        badge_column("kind", "About"),
        WHEN,
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
        """The first line of the error with which it was not sent."""
        return one_line(row.error)

    @admin.display(description="Error")
    def whole_error(self, row: Notification) -> SafeString | str:
        """The error with which it was not sent."""
        return preformatted(row.error)

    @admin.display(description="Text")
    def whole_body(self, row: Notification) -> SafeString | str:
        """The text, with its lines."""
        return preformatted(row.body)
