"""The runbook as pages of the site: an operator who is called at night has a browser, but not the repository."""

import re

from django.conf import settings
from markdown_it import MarkdownIt

from scanner_app.domain.alert_rules import runbook_file
from scanner_app.notifications.links import runbook_path


def html_of(rule: str) -> str:
    """The page of a known rule as HTML. Links to other rules lead to their pages; other documents are only named."""
    text = (settings.BASE_DIR / runbook_file(rule)).read_text(encoding="utf-8")
    text = re.sub(r"\]\((\w+)\.md\)", lambda link: f"]({runbook_path(link[1])})", text)
    text = re.sub(r"\[([^]]+)\]\(\.\./(\w+\.md)[^)]*\)", r"\1 (docs/\2)", text)
    # js-default: unlike commonmark it escapes HTML in the text.
    return str(MarkdownIt("js-default").render(text))
