"""The channels that reach the administrators, and sending one message by one of them, or by a trader's channel."""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from scanner_app.domain.errors import ScannerError
from scanner_app.notifications.public_only import public_only

MAIL = "mail"
"""Name of the channel to settings.ADMINS."""

MAIL_TIMEOUT_S = 10
"""Longest time for one step of the exchange with the mail server."""

APPRISE_TIMEOUT_S = 30
"""Longest time for one apprise message as a whole; its sockets time out after 4 s, or after what its URL says."""

WITH_A_HOST = ("apprise", "form", "gotify", "json", "mailto", "matrix", "mmost", "rocket", "xml")
"""Apprise schemes, with or without an s at the end, whose URL has a real host. In others a token may stand there."""

_URL = re.compile(r"\s*([A-Za-z][A-Za-z0-9]{0,30})://(?:[^/?#]*@)?(\[[^\]/]*\]|[^/?#:@]*)")

WITH_FIELDS = ("form", "json", "xml")
"""Apprise schemes, with or without an s at the end, whose messages are fields for a program: they get ours too."""


class NotDelivered(ScannerError):
    """A channel did not accept a message; the text says why, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to the administrators, or to traders (made of a row by signals/channels.py)."""

    name: str  # what is stored and shown
    url: str = ""  # for apprise, secrets included; empty: mail
    guarded: bool = False  # whether its webhooks may reach the public internet alone, and follow no redirect


def configured() -> list[Channel]:
    """The channels of the current settings: mail first, then the apprise URLs in their order."""
    channels = [Channel(name=MAIL)] if settings.ADMINS else []
    for number, url in enumerate(settings.SCANNER_NOTIFY_URLS, 1):
        channels.append(Channel(name=f"apprise {number} ({masked(url)})", url=url))
    return channels


def find(name: str) -> Channel | None:
    """The channel that is now at the position of the stored `name`; None: there is none.

    By position and not by the whole name: an operator who corrects a mistyped URL wants the waiting messages to go
    there. Since every channel gets every message, readers miss nothing when URLs have changed places.
    """
    position = _position(name)
    return next((channel for channel in configured() if _position(channel.name) == position), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a program that receives a message may want to know of it, beside its text."""

    type: str = "info"  # as apprise has it: info, success, warning, failure
    severity: str = ""  # info, warning, error
    rule: str = ""  # empty: several
    symbol: str = ""  # its ticker; empty: none, or several


def send(
    channel: Channel, *, subject: str, body: str, message_id: str, about: About = About(), picture: bytes = b""
) -> None:
    """Send one message now, with a picture (PNG) where apprise can. Raises NotDelivered if the channel refuses it."""
    try:
        if channel.url:
            _by_apprise(channel, subject, body, message_id, about, picture)
        else:
            _by_mail(subject, body, message_id)
    except Exception as exc:
        text = str(exc) if isinstance(exc, NotDelivered) else f"{type(exc).__name__}: {exc}"
        raise NotDelivered(without_secrets(text, channel)) from exc


def services(url: str) -> int:
    """How many services apprise sends to by this address; 0: it does not know it. Costs 0.3 s and 37 MB once."""
    import apprise  # noqa: PLC0415 - see _by_apprise

    def silent(_: logging.LogRecord) -> bool:
        return False

    messenger, log = apprise.Apprise(), logging.getLogger("apprise")
    log.addFilter(silent)  # apprise logs an address that it does not know, with its secrets
    try:
        return len(messenger) if messenger.add(url) else 0
    finally:
        log.removeFilter(silent)


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


def _by_apprise(channel: Channel, subject: str, body: str, message_id: str, about: About, picture: bytes) -> None:
    # Imported here, since it costs 0.3 s and 37 MB, which only the worker that sends should pay.
    import apprise  # noqa: PLC0415

    messenger = apprise.Apprise()
    if not messenger.add(channel.url):
        raise NotDelivered("apprise can't use this URL; see docs/channels.md")
    # One by one: for apprise a text may be several addresses, of which only a later one is a webhook.
    webhooks = [each for each in messenger if is_a_webhook(each.url())]  # type: ignore[no-untyped-call] # theirs
    for service in webhooks:
        # A field that the URL names itself (json://host?:severity=prio) keeps the URL's value.
        fields = {**asdict(about), "message_id": message_id}
        del fields["type"]  # apprise sends it itself
        service.payload_extras = {**fields, **service.payload_extras}  # type: ignore[attr-defined] # theirs alone
        service.redirects = service.redirects and not channel.guarded
    with public_only(guarded=bool(webhooks) and channel.guarded) as refusals, _as_file(picture) as attachment:
        result = messenger.notify(
            title=subject,
            body=body,
            notify_type=apprise.NotifyType(about.type),
            body_format=apprise.NotifyFormat.TEXT,
            timeout=APPRISE_TIMEOUT_S,
            attach=attachment,
        )
    if not result:
        reasons = "; ".join(refusals or [entry.message for entry in result.logs()])
        raise NotDelivered(reasons or f"apprise: {result.status.name.lower()}")


@contextmanager
def _as_file(picture: bytes) -> Iterator[str | None]:
    """The path of a file with the picture; None without one. Some of apprise's services take nothing but files."""
    if not picture:
        yield None
        return
    with TemporaryDirectory(prefix="scanner-") as folder:
        file = Path(folder) / "chart.png"
        file.write_bytes(picture)
        yield str(file)


def is_a_webhook(url: str) -> bool:
    """Whether an apprise URL posts fields to a program of one's own, at any address."""
    return url.strip().partition("://")[0].lower().removesuffix("s") in WITH_FIELDS


def _position(name: str) -> str:
    # "apprise 2" of "apprise 2 (json://host)".
    return name.partition(" (")[0]


def masked(url: str) -> str:
    """An apprise URL without its secrets: the scheme, and the host where the scheme has one."""
    found = _URL.match(url)
    if found is None:
        return "not a URL"
    scheme, host = found[1].lower(), found[2]
    return f"{scheme}://{host[:100]}" if scheme.removesuffix("s") in WITH_A_HOST else scheme


def without_secrets(text: str, channel: Channel) -> str:
    """`text` with each part of the channel's URL, or the mail server's password, replaced by ***."""
    secrets: Iterable[str] = (settings.EMAIL_HOST_PASSWORD or "",)
    if channel.url:
        secrets = {part for url in (channel.url, unquote(channel.url)) for part in re.split(r"[/:@?&=#]+", url)}
    for secret in sorted(secrets, key=len, reverse=True):
        is_a_port = secret.isdecimal() and len(secret) <= len("65535")
        if len(secret) >= 4 and secret not in channel.name and not is_a_port:
            text = text.replace(secret, "***")
    return text
