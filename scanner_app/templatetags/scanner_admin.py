"""The admin's words and links, for its templates."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString

from scanner_app.admin import base, links
from scanner_app.models import Symbol

register = template.Library()


@register.filter
def badge(word: Any) -> SafeString:
    """A state as coloured word."""
    return base.badge(str(word))


@register.filter
def utc(moment: datetime | None) -> str:
    """A time as traders read it."""
    return base.utc(moment)


@register.filter
def one_line(text: str | None) -> SafeString | str:
    """The beginning of a text."""
    return base.one_line(text)


@register.filter
def symbol_page(symbol_id: int) -> str:
    """The address of a symbol's page in the admin."""
    return links.row_url(Symbol, symbol_id)


@register.filter
def chart_page(ticker: str) -> str:
    """The address of a symbol's chart; empty if there is none."""
    return links.chart_url(ticker) or ""


@register.filter
def worker_page(name: str) -> str:
    """The address of a worker's page in Flower."""
    return links.worker_url(name)
