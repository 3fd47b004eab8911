"""A symbol's explanation and the timelines as HTML. The sentences are those of the API."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scanner_app.admin.base import badge, utc
from scanner_app.models import Bar, Symbol
from scanner_app.reading import timeline
from scanner_app.reading.explanation import explain
from scanner_app.reading.timeline import TimelineLine

NEWEST = 20
"""Lines of the timeline on a symbol's page: about a screen. The list of events has all of them."""


def explanation(symbol: Symbol, now: datetime) -> SafeString:
    """Why the symbol is in its state, what happens next, and what an operator can do."""
    said = explain(symbol, now)
    parts = (said.summary, said.cause, said.next, *said.notes, said.advice)
    return format_html(
        '<div class="explained">{}</div>', format_html_join("", "<p>{}</p>", ((part,) for part in parts if part))
    )


def newest_lines(symbol: Symbol) -> SafeString:
    """What happened to the symbol last, newest first."""
    page = timeline.events().filter(symbol_id=symbol.pk).order_by("-id")[:NEWEST]
    return _listed(timeline.lines(list(page)), linked=True)


def story(bar: Bar) -> SafeString:
    """What happened to the bar, from its acceptance on."""
    return _listed(timeline.story(bar)[::-1], linked=False)


def _listed(lines: Sequence[TimelineLine], *, linked: bool) -> SafeString:
    items = format_html_join("", "<li><time>{}</time> {}{} {}{}</li>", _items(lines, linked=linked))
    return format_html('<ol class="timeline">{}</ol>', items)


def _items(lines: Sequence[TimelineLine], *, linked: bool) -> Iterator[tuple[str, str, SafeString, str, str]]:
    for line in lines:
        after = "" if line.after_s is None else f"+{line.after_s:,.3f} s "
        yield utc(line.at), after, badge(line.kind), line.sentence, _links(line, linked=linked)


def _links(line: TimelineLine, *, linked: bool) -> str:
    places = (("bar", line.bar if linked else None, "bar"), ("processingfailure", line.failure, "traceback"))
    return format_html_join(
        "",
        ' <a href="{}">{}</a>',
        (
            (reverse(f"admin:scanner_app_{model}_change", args=[pk]), word)
            for model, pk, word in places
            if pk is not None
        ),
    )
