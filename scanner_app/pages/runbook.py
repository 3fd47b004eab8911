"""The runbook as pages of the site: who is called at night has a mail and a browser, not the repository."""

import re

from django.conf import settings
from django.urls import reverse
from markdown_it import MarkdownIt

from scanner_app.domain.alert_rules import RULES


def path_of(rule: str) -> str:
    """The rule's page in the repository; also of a rule that there is no more."""
    return f"docs/runbook/{rule}.md"


def address_of(rule: str) -> str | None:
    """The rule's page on the site, without the host; None of a rule that there is no more."""
    return reverse("runbook", args=[rule]) if rule in RULES else None


def html_of(rule: str) -> str:
    """The page of a rule that there is. Links between rules lead to pages, those to other documents are words."""
    text = (settings.BASE_DIR / path_of(rule)).read_text(encoding="utf-8")
    text = re.sub(r"\]\((\w+)\.md\)", lambda link: f"]({address_of(link[1])})", text)
    text = re.sub(r"\[([^]]+)\]\(\.\./(\w+\.md)[^)]*\)", r"\1 (docs/\2)", text)
    # js-default, as against commonmark, lets no HTML through.
    return str(MarkdownIt("js-default").render(text))
