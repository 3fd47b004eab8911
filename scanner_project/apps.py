"""Django's own applications, as this project configures them."""

from django.contrib.admin.apps import AdminConfig


class ScannerAdminConfig(AdminConfig):
    """Django's admin, with our own site, which decides who may enter."""

    default_site = "scanner_app.admin_site.ScannerAdminSite"
