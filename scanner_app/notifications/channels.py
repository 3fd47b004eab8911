"""The channels that reach the administrators, and sending one message by one of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from scanner_app.domain.errors import ScannerError

MAIL = "mail"
"""Name of the channel to settings.ADMINS."""

MAIL_TIMEOUT_S = 10
"""Longest time for one step of the exchange with the mail server."""

APPRISE_TIMEOUT_S = 30
"""Longest time for one apprise message as a whole; its sockets time out after 4 s, or after what its URL says."""

WITH_A_HOST = ("apprise", "form", "gotify", "json", "mailto", "matrix", "mmost", "rocket", "xml")
"""Apprise schemes, with or without an s at the end, whose URL has a real host. In others a token may stand there."""

_URL = re.compile(r"\s*([A-Za-z][A-Za-z0-9]{0,30})://(?:[^/?#]*@)?(\[[^\]/]*\]|[^/?#:@]*)")


class NotDelivered(ScannerError):
    """A channel did not accept a message; the text says why, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to the administrators."""

    name: str  # what is stored and shown
    url: str = ""  # for apprise, secrets included; empty: mail


def configured() -> list[Channel]:
    """The channels of the current settings: mail first, then the apprise URLs in their order."""
    channels = [Channel(name=MAIL)] if settings.ADMINS else []
    for number, url in enumerate(settings.SCANNER_NOTIFY_URLS, 1):
        channels.append(Channel(name=f"apprise {number} ({_masked(url)})", url=url))
    return channels


def find(name: str) -> Channel | None:
    """The channel that is now at the position of the stored `name`; None: there is none.

    By position and not by the whole name: an operator who corrects a mistyped URL wants the waiting messages to go
    there. Since every channel gets every message, readers miss nothing when URLs have changed places.
    """
    position = _position(name)
    return next((channel for channel in configured() if _position(channel.name) == position), None)


def send(channel: Channel, *, subject: str, body: str, message_id: str) -> None:
    """Send one message now. Raises NotDelivered if the channel does not accept it."""
    try:
        if channel.url:
            _by_apprise(channel.url, subject, body)
        else:
            _by_mail(subject, body, message_id)
    except Exception as exc:
        text = str(exc) if isinstance(exc, NotDelivered) else f"{type(exc).__name__}: {exc}"
        raise NotDelivered(_without_secrets(text, channel)) from exc


def _by_mail(subject: str, body: str, message_id: str) -> None:
    # What mail_admins() does, plus the two things that it does not offer: the Message-ID and a timeout.
    EmailMessage(
        subject=settings.EMAIL_SUBJECT_PREFIX + subject,
        body=body,
        from_email=settings.SERVER_EMAIL,
        to=[address for _, address in settings.ADMINS],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=MAIL_TIMEOUT_S),
    ).send()


def _by_apprise(url: str, subject: str, body: str) -> None:
    # Imported here, since it costs 0.3 s and 37 MB, which only the worker that sends should pay.
    import apprise  # noqa: PLC0415

    messenger = apprise.Apprise()
    if not messenger.add(url):
        raise NotDelivered("apprise can't use this URL; see SCANNER_NOTIFY_URLS")
    result = messenger.notify(
        title=subject, body=body, body_format=apprise.NotifyFormat.TEXT, timeout=APPRISE_TIMEOUT_S
    )
    if not result:
        reasons = "; ".join(entry.message for entry in result.logs())
        raise NotDelivered(reasons or f"apprise: {result.status.name.lower()}")


def _position(name: str) -> str:
    # "apprise 2" of "apprise 2 (json://host)".
    return name.partition(" (")[0]


def _masked(url: str) -> str:
    found = _URL.match(url)
    if found is None:
        return "not a URL"
    scheme, host = found[1].lower(), found[2]
    return f"{scheme}://{host[:100]}" if scheme.removesuffix("s") in WITH_A_HOST else scheme


def _without_secrets(text: str, channel: Channel) -> str:
    """`text` with each part of the channel's URL, or the mail server's password, replaced by ***."""
    secrets: Iterable[str] = (settings.EMAIL_HOST_PASSWORD or "",)
    if channel.url:
        secrets = {part for url in (channel.url, unquote(channel.url)) for part in re.split(r"[/:@?&=#]+", url)}
    for secret in sorted(secrets, key=len, reverse=True):
        is_a_port = secret.isdecimal() and len(secret) <= len("65535")
        if len(secret) >= 4 and secret not in channel.name and not is_a_port:
            text = text.replace(secret, "***")
    return text
