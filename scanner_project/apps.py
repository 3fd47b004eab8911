"""Django's own applications, as this project configures them."""

from typing import Any

from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class ScannerAdminConfig(SimpleAdminConfig):
    """Django's admin, with our own site, which decides who may enter.

    Its pages are imported with the addresses (urls.py), and not with Django itself: workers have no pages, and with
    these would come the whole API.
    """

    default_site = "scanner_app.admin_site.ScannerAdminSite"

    def ready(self) -> None:
        """Register Django's checks of the admin."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_pages, checks.Tags.admin)


def _check_pages(**kwargs: Any) -> list[checks.CheckMessage]:
    """Django's check, of pages that are imported by now."""
    from django.contrib import admin  # noqa: PLC0415 - the models come first

    admin.autodiscover()
    return check_admin_app(**kwargs)
