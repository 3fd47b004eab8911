"""What the values of settings may be: each function returns the value as it is kept, or raises ValueError.

The error is the end of a sentence: "must be …". It is said behind the setting's name and its value.
"""

import math
import re
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, Field

from scanner_app.domain.derivations import read as read_derivations
from scanner_app.domain.feed_entries import parse_feeds
from scanner_app.domain.proxies import TrustedProxies
from scanner_app.domain.tickers import check_pattern


def finite(value: float) -> float:
    """Neither infinite nor NaN."""
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def comma_separated(value: str) -> str:
    """Parts without spaces around them, none of them empty."""
    return ",".join(part.strip() for part in value.split(",") if part.strip())


MAX_HORIZON = 1_000
"""Bars after a signal: four years of daily ones."""


def delays(value: str) -> str:
    """Seconds, separated by commas."""
    for part in value.split(","):
        try:
            finite(float(part))
        except ValueError:
            raise ValueError(f"must be numbers separated by commas; {part.strip()!r} is not a number") from None
    return value


def horizons(value: str) -> str:
    """Numbers of bars, separated by commas."""
    for part in value.split(","):
        if not (part.strip().isdecimal() and 1 <= int(part.strip()[:5]) <= MAX_HORIZON):
            raise ValueError(f"must be numbers of bars from 1 to {MAX_HORIZON:,}; {part.strip()!r} is none")
    return value


def calendars(value: str) -> str:
    """Patterns of tickers with their calendars."""
    pairs = [part.strip() for part in value.split(",") if part.strip()]
    for pair in pairs:
        # A ticker may have an equals sign (EURUSD=X), a calendar's name has none.
        pattern, _, calendar = pair.rpartition("=")
        if not pattern.strip() or not calendar.strip():
            raise ValueError(
                f"must be PATTERN=CALENDAR, comma-separated, for example BTC*=24/7,*=XNYS; {pair!r} is not"
            )
    return ",".join(pairs)


def derivations(value: str) -> str:
    """What domain/derivations.py reads."""
    read_derivations(value)
    return value.strip()


def feeds(value: str) -> str:
    """What domain/feed_entries.py reads, in its normal form."""
    return "; ".join(f"{entry.venue}:{entry.text}" for entry in parse_feeds(value))


def stream_address(value: str) -> str:
    """An address of WebSockets."""
    if not (urlsplit(value).scheme in {"ws", "wss"} and urlsplit(value).hostname):
        raise ValueError("must be an address that begins with ws:// or wss://")
    return value


def tickers(value: str) -> str:
    """Tickers and patterns of them."""
    return ",".join(check_pattern(part.strip()) for part in value.split(",") if part.strip())


def bearer(value: str) -> str:
    """What can stand in a header."""
    if not value.isascii() or any(letter.isspace() for letter in value):
        raise ValueError("must be ASCII without spaces, or no client can send it")
    return value


def redis_url(value: str) -> str:
    """An address of a Redis server."""
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return value


def web_address(value: str) -> str:
    """An address of the web, or nothing."""
    if value and not (urlsplit(value).scheme in {"http", "https"} and urlsplit(value).hostname):
        raise ValueError("must be an address that begins with http:// or https://")
    return value


def time_of_day(value: str) -> str:
    """HH:MM in UTC, or empty."""
    if value and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be a time of day in UTC such as 03:30")
    return value


def public_url(value: str) -> str:
    """An address of the web without a path."""
    parts = urlsplit(web_address(value))
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must have nothing behind the host and port: the pages are at the top of their host")
    return value


def proxies(value: str) -> str:
    """Addresses and networks."""
    TrustedProxies.of(value)
    return comma_separated(value)


def database_url(value: str) -> str:
    """An address of a database, or nothing."""
    if value and urlsplit(value).scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ValueError("must begin with postgres:// or sqlite:///")
    return value


def mail_server(value: str) -> str:
    """An address of a mail server, or of what stands in for one, as django-environ reads it."""
    try:
        config = environ.Env.email_url_config(value)
    except (ImproperlyConfigured, ValueError):  # another scheme; a port that is none
        config = {}
    is_mail = urlsplit(value).scheme.startswith("smtp") if config else False
    if not config or (is_mail and not config["EMAIL_HOST"]):
        raise ValueError(
            "must be a mail server's address such as smtp://user:password@host:25, smtp+tls://… or smtp+ssl://…, "
            "or consolemail:// for the log"
        )
    return value


def mail_addresses(value: str) -> str:
    """Addresses, separated by commas."""
    addresses = comma_separated(value)
    for part in addresses.split(",") if addresses else []:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(part)[1]):
            raise ValueError(f"must be mail addresses separated by commas; {part!r} is none")
    return addresses


MIN_SECRET_KEY = 32
"""Characters below which a secret key could be guessed: whoever has it can sign in as anybody."""


def secret_key(value: str) -> str:
    """Long enough, or nothing."""
    if value and len(value) < MIN_SECRET_KEY:
        raise ValueError(
            f"must have at least {MIN_SECRET_KEY} characters, for example from `openssl rand -hex 32`; "
            "left empty, one is made up and kept"
        )
    return value


def channel_keys(value: str) -> str:
    """Secret keys, the newest first."""
    keys = comma_separated(value)
    for key in keys.split(",") if keys else []:
        secret_key(key)
    return keys


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0), AfterValidator(finite)]
SecondsOrNone = Annotated[float, Field(ge=0), AfterValidator(finite)]
Count = Annotated[int, Field(ge=1)]
CommaSeparated = Annotated[str, AfterValidator(comma_separated)]
