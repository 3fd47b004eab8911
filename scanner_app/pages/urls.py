"""Addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path
from django.views.generic import RedirectView

from scanner_app.pages import bars, detectors, feeds, hooks, past, rules, signals, tokens, views, worth

urlpatterns = [
    path("", views.home, name="home"),
    # <path:…>, since a ticker may contain slashes. Each address also works without its last slash.
    path("symbols/<path:ticker>/", views.symbol, name="symbol"),
    path("symbols/<path:ticker>", views.symbol),
    path("bars/<int:bar_id>/", bars.bar, name="bar"),
    path("bars/<int:bar_id>", bars.bar),
    path("bars/of/<path:ticker>/<int:sequence>/", bars.bar_of, name="bar_of"),
    path("bars/of/<path:ticker>/<int:sequence>", bars.bar_of),
    path("runbook/<slug:rule>/", views.runbook_page, name="runbook"),
    path("runbook/<slug:rule>", views.runbook_page),
    path("guarantees/", views.guarantees, name="guarantees"),
    path("guarantees", views.guarantees),
    path("signals/", signals.page, name="signals"),
    path("signals", signals.page),
    path("rules/", rules.page, name="rules"),
    path("rules", rules.page),
    path("worth/", worth.page, name="worth"),
    path("worth", worth.page),
    path("login/", views.SignIn.as_view(), name="login"),
    path("login", views.SignIn.as_view()),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("logout", LogoutView.as_view()),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens", tokens.page),
    # At most 18 digits: a number that no database has as an id is not found, instead of an error.
    re_path(r"^tokens/(?P<pk>[0-9]{1,18})/revoke/?$", tokens.revoke, name="revoke_token"),
    path("feeds/", feeds.page, name="feeds"),
    path("feeds", feeds.page),
    path("detectors/", detectors.page, name="detectors"),
    path("detectors", detectors.page),
    path("past/", past.page, name="past"),
    path("past", past.page),
    path("hooks/", hooks.page, name="hooks"),
    path("hooks", hooks.page),
    re_path(r"^hooks/(?P<pk>[0-9]{1,18})/names/?$", hooks.rename, name="rename_hook"),
    re_path(r"^hooks/(?P<pk>[0-9]{1,18})/remove/?$", hooks.remove, name="remove_hook"),
    path("flower/", views.flower, name="flower"),
    path("flower/<path:where>", views.flower),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", views.favicon),  # browsers request it for pages without an icon of their own, such as the API's
]
