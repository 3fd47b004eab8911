"""Make, change and remove the channels by which hits are told."""

from datetime import datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet

from scanner_app.access.roles import May
from scanner_app.calendars.loading import hours_of
from scanner_app.domain.enums import ChannelKind
from scanner_app.domain.public_addresses import is_public
from scanner_app.domain.quiet_hours import QuietHours
from scanner_app.models import Channel, Delivery, Rule
from scanner_app.notifications import channels as sending
from scanner_app.notifications import sealing, webhooks
from scanner_app.signals import names

MAX_URL = 2_000
"""Characters of a channel's address: apprise URLs with several recipients are long."""

REMOVED_AT_ONCE = 500
"""Deliveries of a deleted channel that are removed in one transaction."""


def known() -> QuerySet[Channel]:
    """The channels that there are, without those that are being removed."""
    return Channel.objects.filter(deleted_at=None)


def usable(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[Channel]:
    """The channels that the user's rules may name: all of them for operators, who make them; else the shared ones.

    And what a rule of the user's names already: taking a channel back is for its operator to say, by switching it off.
    """
    if May(user).operate:
        return known()
    named = Rule.objects.filter(owner_id=user.pk, deleted_at=None).values_list("channels", flat=True)
    return known().filter(Q(shared=True) | Q(pk__in={pk for pks in named for pk in pks}))


def add(*, name: str, kind: ChannelKind, url: str, by: str, now: datetime, **values: Any) -> tuple[Channel, str]:
    """Make a channel; returns it and its signing secret, which is never shown again (empty: it has none).

    `url`: as `check_url` allows; `values`: other columns. Raises NameTaken.
    """
    secret = webhooks.new_secret() if kind == ChannelKind.WEBHOOK else ""
    made = Channel(name=name, kind=kind, created_at=now, created_by=by, **values)
    made.sealed_secret = sealing.seal(secret) if secret else ""
    _set_url(made, url)
    _save(made)
    return made, secret


def change(channel: Channel, *, url: str = "", **values: Any) -> None:
    """Change columns; with a new `url` what has failed so far is forgotten. Raises NameTaken."""
    for field, value in values.items():
        setattr(channel, field, value)
    changed = list(values)
    if url:
        _set_url(channel, url)
    if url or values.get("enabled"):
        channel.failures, channel.paused_until, channel.last_error = 0, None, ""
        changed += ["shown_url", "sealed_url", "failures", "paused_until", "last_error"]
    if changed:
        _save(channel, update_fields=changed)


def remove(channel: Channel, now: datetime) -> None:
    """Nothing is told by the channel from now on. Its rows go in small batches: `remove_some_rows`."""
    Channel.objects.filter(pk=channel.pk).update(deleted_at=now, enabled=False)


def remove_some_rows() -> int:
    """Remove some rows of channels that were deleted; returns how many."""
    gone = Channel.objects.exclude(deleted_at=None).first()
    if gone is None:
        return 0
    ids = list(Delivery.objects.filter(channel=gone).order_by("pk").values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    if ids:
        return Delivery.objects.filter(pk__in=ids).delete()[0]
    return gone.delete()[0]


def check_url(kind: ChannelKind, url: str) -> None:
    """Raises ValueError with a sentence if no channel of this kind can have this address."""
    if len(url) > MAX_URL or not url.isprintable() or url != url.strip():
        raise ValueError(f"must be at most {MAX_URL:,} printable characters, without spaces around them")
    if kind == ChannelKind.WEBHOOK:
        _check_webhook(url)
        return
    services = sending.services(url)
    if not services:
        raise ValueError("is no address that apprise knows, such as mailtos://… or tgram://…: see docs/channels.md")
    if services > 1:
        raise ValueError("is several addresses: make a channel of each")
    if sending.is_a_webhook(url):
        _check_host(urlsplit(url).hostname or "")


def _check_webhook(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no address of the web") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("must begin with https:// or http:// and a host")
    if "@" in parts.netloc:
        raise ValueError("must not have a user or a password in it: each message is signed instead")
    _check_host(host)


def _check_host(host: str) -> None:
    """What can be seen at once. Names are looked at when they are connected to: notifications/public_only.py."""
    if settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES:
        return
    is_address = ":" in host or host.replace(".", "").isdecimal()
    if host == "localhost" or host.endswith(".localhost") or (is_address and not is_public(host)):
        raise ValueError(
            f"leads to {host}, this machine or a private network; SCANNER_WEBHOOK_PRIVATE_ADDRESSES=1 allows that"
        )


def secret_of(channel: Channel) -> str:
    """The signing secret of a webhook. Raises KeyLost."""
    return sealing.unseal(channel.sealed_secret)


def receiver(channel: Channel) -> sending.Channel:
    """The channel as the sender needs it, secrets included. Raises KeyLost."""
    guarded = not settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES
    return sending.Channel(name=channel.shown_url, url=sealing.unseal(channel.sealed_url), guarded=guarded)


def check_quiet(begins: time | None, ends: time | None) -> None:
    """Raises ValueError with a sentence if these can't be quiet hours: both or none are needed, and not the same."""
    if (begins is None) != (ends is None):
        raise ValueError("quiet hours need both quiet_from and quiet_to")
    if begins is not None and ends is not None:
        QuietHours(begins=begins, ends=ends, zone=ZoneInfo("UTC"))


def quiet_until(channel: Channel, now: datetime) -> datetime | None:
    """Until when the channel is quiet now; None: it is not. Looked at anew then: one quiet time may follow another."""
    ends: list[datetime] = []
    if channel.quiet_from is not None and channel.quiet_to is not None:
        hours = QuietHours(begins=channel.quiet_from, ends=channel.quiet_to, zone=ZoneInfo(channel.timezone))
        if (end := hours.until(now)) is not None:
            ends.append(end)
    if channel.quiet_calendar:
        opens = hours_of(channel.quiet_calendar, now).closed_until(now.timestamp())
        if opens is not None:
            ends.append(datetime.fromtimestamp(opens, now.tzinfo))
    return max(ends, default=None)


def _set_url(channel: Channel, url: str) -> None:
    channel.sealed_url = sealing.seal(url)
    channel.shown_url = _shown(ChannelKind(channel.kind), url)


def _shown(kind: ChannelKind, url: str) -> str:
    if kind == ChannelKind.APPRISE:
        return sending.masked(url)
    parts = urlsplit(url)
    # The path may hold a secret, as those of chat services do.
    return f"{parts.scheme}://{parts.netloc}/…"[:200]


def _save(channel: Channel, **how: Any) -> None:
    names.save(channel, f"another channel has the name {channel.name!r}", **how)
