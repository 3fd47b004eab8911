"""The runbook as pages of the site: who is called at night has a mail and a browser, not the repository."""

import re

from django.conf import settings
from markdown_it import MarkdownIt

from scanner_app.notifications.links import runbook_file, runbook_path


def html_of(rule: str) -> str:
    """The page of a rule that there is. Links between rules lead to pages, those to other documents are words."""
    text = (settings.BASE_DIR / runbook_file(rule)).read_text(encoding="utf-8")
    text = re.sub(r"\]\((\w+)\.md\)", lambda link: f"]({runbook_path(link[1])})", text)
    text = re.sub(r"\[([^]]+)\]\(\.\./(\w+\.md)[^)]*\)", r"\1 (docs/\2)", text)
    # js-default, as against commonmark, lets no HTML through.
    return str(MarkdownIt("js-default").render(text))
