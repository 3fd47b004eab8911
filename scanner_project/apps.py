"""Applications of others, set up our way."""

from django.contrib.admin.apps import AdminConfig


class ScannerAdminConfig(AdminConfig):
    """Django's admin, with our say on who may enter."""

    default_site = "scanner_app.admin_site.ScannerAdminSite"
