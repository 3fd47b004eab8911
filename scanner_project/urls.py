"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from scanner_app.api import health, metrics, urls
from scanner_app.api.schema_view import SchemaView

admin.autodiscover()

urlpatterns = [
    path("api/v1/scanner/", include((urls.documented, "scanner"))),
    path("api/v1/scanner/", include((urls.spellings, "scanner"), namespace="spellings")),
    path("api/scanner/", include((urls.spellings, "scanner"), namespace="alias")),
    path("api/v1/scanner", urls.index),
    path("api/scanner", urls.index),
    path("api/v1/auth/", include((urls.auth_documented, "auth"))),
    path("api/v1/auth/", include((urls.auth_spellings, "auth"), namespace="auth-spellings")),
    re_path(r"^api/schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerSplitView.as_view(), name="docs"),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^readyz/?$", health.readyz, name="readyz"),
    re_path(r"^metrics/?$", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include((urls.inlets, "hooks"))),
    path("", include("scanner_app.pages.urls")),
]

handler404 = "scanner_app.api.errors.not_found"
handler500 = "scanner_app.api.errors.server_error"
