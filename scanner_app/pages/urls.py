"""Addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from scanner_app.pages import views

urlpatterns = [
    path("", views.home, name="home"),
    # <path:…>, since a ticker may contain slashes. Each address also works without its last slash.
    path("symbols/<path:ticker>/", views.symbol, name="symbol"),
    path("symbols/<path:ticker>", views.symbol),
    path("runbook/<slug:rule>/", views.runbook_page, name="runbook"),
    path("runbook/<slug:rule>", views.runbook_page),
    path("login/", views.SignIn.as_view(), name="login"),
    path("login", views.SignIn.as_view()),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("logout", LogoutView.as_view()),
    path("flower/", views.flower, name="flower"),
    path("flower/<path:where>", views.flower),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", views.favicon),  # browsers request it for pages without an icon of their own, such as the API's
]
