"""Send one webhook as Standard Webhooks has it (https://www.standardwebhooks.com)."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from django.conf import settings
from standardwebhooks import Webhook

from scanner_app.notifications.channels import NotDelivered
from scanner_app.notifications.public_only import public_only

TIMEOUT_S = 10.0
"""Longest wait for each of: connecting, sending, the next bytes of the answer. The specification wants 15 to 30 s for
the whole; the task's time limit ends what drips."""

MAX_ANSWER = 4_096
"""Bytes of an answer that are read: it is only shown in an error."""

GONE = 410
"""The receiver says that it wants nothing any more."""


class Refused(NotDelivered):
    """The receiver did not take the message."""

    def __init__(self, text: str, *, gone: bool = False, retry_after: datetime | None = None) -> None:
        super().__init__(text)
        self.gone = gone  # for good
        self.retry_after = retry_after  # not before this time


def text(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of a webhook: its kind, when what it reports happened, and the data, as JSON."""
    return orjson.dumps({"type": kind, "timestamp": at, "data": data}, option=orjson.OPT_UTC_Z).decode()


def new_secret() -> str:
    """A signing secret, in the specification's form."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def send(url: str, *, secret: str, message_id: str, body: str, now: datetime) -> None:
    """Post a JSON text, signed. Raises Refused, or NotDelivered if nothing was answered. Redirects are not followed."""
    headers = {
        "content-type": "application/json",
        "user-agent": "market-scanner",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
    with public_only(guarded=not settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES) as refusals:
        try:
            # Without the environment's proxies: it is the receiver's address that has to be looked at.
            with (
                httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", url, content=body.encode(), headers=headers) as answer,
            ):
                if answer.is_success:
                    return
                text = next(answer.iter_bytes(MAX_ANSWER), b"").decode(errors="replace")
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise NotDelivered(next(iter(refusals), f"{type(exc).__name__}: {exc}")) from exc
    said = f"answered {answer.status_code} {answer.reason_phrase}".strip()
    if answer.is_redirect:
        said += ", a redirect, which is not followed: set the address that it leads to"
    raise Refused(
        f"{said}: {text[:200]}" if text.strip() else said,
        gone=answer.status_code == GONE,
        retry_after=_retry_after(answer.headers.get("retry-after", ""), now),
    )


def _retry_after(text: str, now: datetime) -> datetime | None:
    """The time of a header Retry-After: seconds, or an HTTP date; None: nothing that can be understood."""
    if text.strip().isdecimal() and len(text) < 10:
        return datetime.fromtimestamp(now.timestamp() + int(text), UTC)
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
