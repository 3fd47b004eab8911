"""The scanner's version for the foot of the pages."""

from django.conf import settings
from django.http import HttpRequest


def for_templates(request: HttpRequest) -> dict[str, str]:  # noqa: ARG001 - Django's signature
    """Context processor: `{{ version }}` in every template."""
    return {"version": settings.VERSION}
