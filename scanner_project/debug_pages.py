"""Django's error report, on pages with DEBUG=1, without the scanner's secrets.

Django hides settings by their names. Passwords within URLs, and the same values in the variables of a traceback, are
hidden here, by their values.
"""

from collections.abc import Iterator
from html import escape
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from scanner_project.env import SECRETS

HIDDEN = "(hidden)"

SHORTEST = 4
"""Characters from which a secret is looked for: a shorter one is everywhere by chance."""


class Reporter(ExceptionReporter):
    """Django's, with HIDDEN in place of secrets."""

    def get_traceback_html(self) -> SafeString:
        """The page."""
        return SafeString(without_secrets(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        """The report as text."""
        return SafeString(without_secrets(super().get_traceback_text()))


def without_secrets(text: str) -> str:
    """The text without the values of secret settings, whether as they are or escaped for HTML."""
    for secret in sorted(set(_secrets()), key=len, reverse=True):  # the whole URL before the password within
        if len(secret) >= SHORTEST:
            text = text.replace(escape(secret), HIDDEN).replace(secret, HIDDEN)
    return text


def _secrets() -> Iterator[str]:
    yield str(settings.SECRET_KEY)
    yield from (str(one) for one in [*settings.SECRET_KEY_FALLBACKS, *settings.SCANNER_CHANNEL_KEYS])
    for name in SECRETS:
        for value in str(getattr(settings.ENV, name)).split(","):
            yield value
            yield from _password_of(value)


def _password_of(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url).password
    except ValueError:  # no URL
        return
    if password:
        yield password
        yield unquote(password)
