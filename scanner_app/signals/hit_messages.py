"""One message about hits, from the database to the receiver."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError
from django.urls import reverse

from scanner_app.domain.enums import BarStatus, ChannelKind
from scanner_app.models import Bar, Channel, Delivery, Hit, Rule
from scanner_app.notifications import channels as sending
from scanner_app.notifications import webhooks
from scanner_app.notifications.links import base_url
from scanner_app.notifications.sealing import KeyLost
from scanner_app.signals import channels, hit_texts, pictures, rules_of_hits
from scanner_app.signals.hit_texts import ToldHit

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is told, for people and for programs."""

    subject: str
    body: str
    kind: str  # of the webhook: hit, digest, test
    data: Mapping[str, Any]
    rule: str = ""
    symbol: str = ""
    page: str = ""  # path of the page that it links to
    picture: bytes = b""


def send(row: Delivery, channel: Channel, now: datetime) -> None:
    """Send a delivery now. Raises NotDelivered; other errors only where our own database fails."""
    try:
        letter = _letter(row, picture=channel.kind == ChannelKind.APPRISE)
        if channel.kind == ChannelKind.WEBHOOK:
            _by_webhook(letter, row, channel, now)
        else:
            _by_apprise(letter, row, channel)
    except KeyLost as exc:
        raise sending.NotDelivered(str(exc)) from exc
    except (sending.NotDelivered, DatabaseError):
        raise
    except Exception as exc:  # whatever it is, it is this message's: the others go on
        raise sending.NotDelivered(f"{type(exc).__name__}: {exc}") from exc


def _by_webhook(letter: Letter, row: Delivery, channel: Channel, now: datetime) -> None:
    receiver = channels.receiver(channel)
    try:
        webhooks.send(
            receiver.url,
            secret=channels.secret_of(channel),
            message_id=row.message_id,
            body=webhooks.text(letter.kind, row.created_at, letter.data),
            now=now,
        )
    except webhooks.Refused as exc:
        said = sending.without_secrets(str(exc), receiver)
        raise webhooks.Refused(said, gone=exc.gone, retry_after=exc.retry_after) from exc
    except sending.NotDelivered as exc:
        raise sending.NotDelivered(sending.without_secrets(str(exc), receiver)) from exc


def _by_apprise(letter: Letter, row: Delivery, channel: Channel) -> None:
    sending.send(
        channels.receiver(channel),
        subject=letter.subject,
        body=f"{letter.body}\n\n{base_url()}{letter.page}\nMessage {row.message_id}\n",
        message_id=row.message_id,
        about=sending.About(severity="info", rule=letter.rule, symbol=letter.symbol),
        picture=letter.picture,
    )


def _letter(row: Delivery, *, picture: bool) -> Letter:
    if row.rule_id is None:
        text = "This is a test: the scanner reaches this channel."
        return Letter(subject="Test of the channel", body=text, kind="test", data={"text": text}, page=reverse("home"))
    rule = Rule.objects.filter(pk=row.rule_id).first()
    name = rule.name if rule else f"rule {row.rule_id}"
    if row.hit is None:
        return _digest(row, rule, name)
    hit = _told(row.hit, name)
    return Letter(
        subject=hit_texts.subject(hit),
        body=hit_texts.body(
            hit,
            expression=rule.expression if rule else "",
            others=rules_of_hits.symbols_that_hit(row.hit),
            watched=rules_of_hits.watched(rule),
        ),
        kind="hit",
        data=hit_texts.data(hit),
        rule=name,
        symbol=hit.symbol,
        page=reverse("symbol", args=[hit.symbol]),
        picture=_picture(row.hit, hit) if picture else b"",
    )


def _digest(row: Delivery, rule: Rule | None, name: str) -> Letter:
    named = Hit.objects.filter(deliveries__digest=row).select_related("symbol").order_by("id")
    hits = [_told(hit, name) for hit in named]
    watched = rules_of_hits.watched(rule)
    return Letter(
        subject=hit_texts.digest_subject(name, hits, watched),
        body=hit_texts.digest_body(name, hits, watched),
        kind="digest",
        data={"rule": row.rule_id, "rule_name": name, "hits": [hit_texts.data(hit) for hit in hits]},
        rule=name,
        page=reverse("home"),
    )


def _told(hit: Hit, rule_name: str) -> ToldHit:
    return ToldHit(
        id=hit.pk,
        rule=hit.rule_id,
        rule_name=rule_name,
        symbol=hit.symbol.ticker,
        timeframe=hit.timeframe,
        timestamp=hit.timestamp,
        bar=hit.bar_id,
        values=hit.values,
        created_at=hit.created_at,
    )


def _picture(hit: Hit, told: ToldHit) -> bytes:
    """The chart up to the hit's bar; b"" if it can't be drawn: the text counts, and goes without it."""
    bars = (
        Bar.objects.filter(symbol_id=hit.symbol_id, timeframe=hit.timeframe, timestamp__lte=hit.timestamp)
        .exclude(status__in=[BarStatus.DISCARDED, BarStatus.QUARANTINED])
        .order_by("-timestamp")
        .values("open", "high", "low", "close")[: pictures.BARS]
    )
    values = [f"{word} {hit_texts.number(value)}" for word, value in told.values.items()]
    lines = [f"{told.timestamp:%Y-%m-%d %H:%M} UTC", ", ".join(values)]
    try:
        candles = [pictures.Candle(**bar) for bar in bars][::-1]
        return pictures.draw(candles, title=hit_texts.subject(told), lines=lines)
    except (ValueError, OverflowError, OSError) as exc:
        log.warning("picture_not_drawn", hit=hit.pk, error=str(exc))
        return b""
