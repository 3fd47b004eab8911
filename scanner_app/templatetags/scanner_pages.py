"""How the pages show values, as filters for their templates."""

from typing import Any

from django import template

from scanner_app.detectors import pattern_names

register = template.Library()


@register.filter
def number(value: float | None) -> str:
    """A price or a volume with all its digits, as people write it: `2,887,200` and not `2887200.0`."""
    return "unknown" if value is None else f"{value:,.15g}"


@register.filter
def pattern_name(signal: Any) -> str:
    """What people call the pattern of a signal, or of anything else with `pattern` and `direction`."""
    return pattern_names.name_of(signal.pattern, signal.direction)


@register.filter
def pattern_meaning(pattern: str) -> str:
    """What a pattern means, in a sentence; "" if that is not known."""
    return pattern_names.meaning_of(pattern)
