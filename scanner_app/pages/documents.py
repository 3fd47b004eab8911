"""Documents as pages of the site: an operator who is called at night has a browser, but not the repository."""

import re

from django.conf import settings
from markdown_it import MarkdownIt

from scanner_app.domain.alert_rules import runbook_file
from scanner_app.notifications.links import runbook_path

GUARANTEES = "docs/guarantees.md"


def runbook(rule: str) -> str:
    """The page of a known rule as HTML. Links to other rules lead to their pages; other documents are only named."""
    text = _text(runbook_file(rule))
    text = re.sub(r"\]\((\w+)\.md\)", lambda link: f"]({runbook_path(link[1])})", text)
    text = re.sub(r"\[([^]]+)\]\(\.\./(\w+\.md)[^)]*\)", r"\1 (docs/\2)", text)
    return _html(text)


def guarantees() -> str:
    """What the scanner promises, as HTML."""
    return _html(_text(GUARANTEES))


def _text(file: str) -> str:
    return (settings.BASE_DIR / file).read_text(encoding="utf-8")


def _html(text: str) -> str:
    # js-default: unlike commonmark it escapes HTML in the text.
    return str(MarkdownIt("js-default").render(text))
