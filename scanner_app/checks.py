"""System checks: what can be wrong with settings although each value by itself is valid. An error stops the start."""

import math
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from scanner_app.detectors import DetectorError, load
from scanner_app.domain.calendar_names import NAMES, hint
from scanner_app.domain.derivations import needs
from scanner_app.notifications import channels


@register()
def check_retry_delays(**_: Any) -> list[CheckMessage]:
    """scanner.E001, E002: the list of retry delays."""
    from scanner_app.tasks import process_head  # noqa: PLC0415 - tasks need the models, checks are registered before

    delays = settings.SCANNER_RETRY_DELAYS
    problems: list[CheckMessage] = []
    if not delays or any(delay <= 0 for delay in delays):
        problems.append(
            Error(
                f"SCANNER_RETRY_DELAYS must be positive seconds, not {delays}.",
                hint="For example SCANNER_RETRY_DELAYS=1,2,4,8,16,30.",
                id="scanner.E001",
            )
        )
    elif process_head.max_retries != len(delays):
        problems.append(
            Error(
                f"SCANNER_RETRY_DELAYS has {len(delays)} delays, but a bar has {process_head.max_retries} retries.",
                hint="max_retries is taken from the list when the tasks are imported; set the list before.",
                id="scanner.E002",
            )
        )
    return problems


@register()
def check_limits(**_: Any) -> list[CheckMessage]:
    """scanner.E003: the soft limit comes before the hard one."""
    if settings.SCANNER_SOFT_LIMIT_S < settings.SCANNER_HARD_LIMIT_S:
        return []
    return [
        Error(
            f"SCANNER_SOFT_LIMIT_S={settings.SCANNER_SOFT_LIMIT_S:g} must be below "
            f"SCANNER_HARD_LIMIT_S={settings.SCANNER_HARD_LIMIT_S:g}.",
            hint="A run is asked to stop at the soft limit and killed at the hard one.",
            id="scanner.E003",
        )
    ]


@register()
def check_detectors(**_: Any) -> list[CheckMessage]:
    """scanner.E004: every detector of the setting can be loaded."""
    try:
        load(tuple(settings.SCANNER_DETECTORS))
    except DetectorError as exc:
        return [Error(f"SCANNER_DETECTORS: {exc}", hint="See docs/detectors.md.", id="scanner.E004")]
    return []


@register()
def check_calendars(**_: Any) -> list[CheckMessage]:
    """scanner.E005: every calendar of the setting exists."""
    return [
        Error(
            f"SCANNER_CALENDARS: the pattern {pattern} has the calendar {calendar!r}, which does not exist.",
            hint=f"See docs/stale-data.md; {hint(calendar)}",
            id="scanner.E005",
        )
        for pattern, calendar in settings.SCANNER_CALENDARS
        if calendar not in NAMES
    ]


@register()
def check_derivations(**_: Any) -> list[CheckMessage]:
    """scanner.E006: bars are kept long enough for those that are made from them."""
    days = settings.SCANNER_KEEP_BARS_DAYS
    return [
        Error(
            f"SCANNER_DERIVE: {timeframe} bars can't be made from {base} bars that are kept for "
            f"SCANNER_KEEP_BARS_DAYS={days}.",
            hint=f"Keep bars for at least {math.ceil(needs(timeframe) / timedelta(days=1))} days.",
            id="scanner.E006",
        )
        for base, timeframes in settings.SCANNER_DERIVE.items()
        for timeframe in timeframes
        if days and timedelta(days=days) < needs(timeframe)
    ]


@register()
def check_feeds(**_: Any) -> list[CheckMessage]:
    """scanner.E007: every venue of SCANNER_FEEDS exists and has the timeframes that are wanted of it."""
    from scanner_app.feeds.live import venues  # noqa: PLC0415 - most processes run no feed

    problems: list[CheckMessage] = []
    for entry in settings.SCANNER_FEEDS:
        try:
            venues.check(entry)
        except venues.VenueUnavailable as exc:
            problems.append(Error(f"SCANNER_FEEDS: {exc}.", hint="See docs/feeds.md.", id="scanner.E007"))
    return problems


NOTIFICATIONS = "notifications"
"""Tag of the check that costs 37 MB of memory: `make up` runs it in a process that ends, and `check --deploy` does."""


@register(NOTIFICATIONS, deploy=True)
def check_notify_urls(**_: Any) -> list[CheckMessage]:
    """scanner.E008: apprise knows every address of SCANNER_NOTIFY_URLS."""
    return [
        Error(
            f"SCANNER_NOTIFY_URLS: address {number} ({channels.masked(url)}) is none that apprise knows.",
            hint="See docs/channels.md; a comma within an address is written %2C.",
            id="scanner.E008",
        )
        for number, url in enumerate(settings.SCANNER_NOTIFY_URLS, 1)
        if not channels.services(url)
    ]


@register()
def check_retired_settings(**_: Any) -> list[CheckMessage]:
    """scanner.W001: a setting that does nothing any more."""
    if not settings.SCANNER_SHARD:
        return []
    return [
        checks.Warning(
            f"SCANNER_SHARD={settings.SCANNER_SHARD} does nothing any more: "
            "every worker of a lane takes bars of all symbols.",
            hint="Leave it out. For more symbols start more workers of the same lane, on as many hosts as you like.",
            id="scanner.W001",
        )
    ]
