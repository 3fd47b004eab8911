"""How the admin shows values and links, as filters for its templates."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString

from scanner_app.admin import base, links
from scanner_app.models import Symbol

register = template.Library()


@register.filter
def badge(word: Any) -> SafeString:
    """A state as a coloured word."""
    return base.badge(str(word))


@register.filter
def utc(moment: datetime | None) -> str:
    """A time in UTC, as text."""
    return base.utc(moment)


@register.filter
def one_line(text: str | None) -> SafeString | str:
    """The beginning of a text, in one line."""
    return base.one_line(text)


@register.filter
def symbol_page(symbol_id: int) -> str:
    """The address of a symbol's page in the admin."""
    return links.row_url(Symbol, symbol_id)


@register.filter
def chart_page(ticker: str) -> str:
    """The address of a symbol's page with its chart; empty if it has none."""
    return links.chart_url(ticker) or ""


@register.filter
def worker_page(name: str) -> str:
    """The address of a worker's page in Flower."""
    return links.worker_url(name)
