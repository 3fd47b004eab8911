"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from scanner_app.api import health, metrics, urls
from scanner_app.api.tokens import TokenView

urlpatterns = [
    path("api/v1/scanner/", include((urls.documented, "scanner"))),
    path("api/v1/scanner/", include((urls.spellings, "scanner"), namespace="spellings")),
    path("api/scanner/", include((urls.spellings, "scanner"), namespace="alias")),
    path("api/v1/scanner", urls.index),
    path("api/scanner", urls.index),
    path("api/v1/auth/token", TokenView.as_view(), name="token"),
    path("api/v1/auth/token/", TokenView.as_view(schema=None)),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerView.as_view(), name="docs"),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^readyz/?$", health.readyz, name="readyz"),
    re_path(r"^metrics/?$", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("scanner_app.pages.urls")),
]

handler404 = "scanner_app.api.errors.not_found"
handler500 = "scanner_app.api.errors.server_error"
