"""Debug pages show no secret, wherever it stands."""

import pytest
from django.test import RequestFactory
from django.views.debug import technical_500_response

from scanner_project import env

SECRETS = {
    "DATABASE_URL": "postgres://joe:pa%26ss-db@db:5432/x",
    "REDIS_URL": "redis://:pass-redis@cache:6379/0",
    "EMAIL_URL": "smtp://joe:pass-mail@mail:25",
    "SCANNER_NOTIFY_URLS": "slack://tokenA/tokenB/tokenC,json://joe:pass-json@hook/",
    "SCANNER_PING_URL": "https://hc-ping.com/secret-uuid",
    "SCANNER_METRICS_TOKEN": "metrics-token",
    "ADMIN_PASSWORD": "admin-<password>",
    "ALPACA_KEY_ID": "alpaca-key",
    "ALPACA_SECRET_KEY": "alpaca-secret",
    "SECRET_KEY": "k" * 40,
}
PARTS = ["pa%26ss-db", "pa&ss-db", "pass-redis", "pass-mail", "tokenB", "pass-json", "secret-uuid", "metrics-token"]
PARTS += ["alpaca-key", "alpaca-secret"]
PARTS += ["admin-<password>", "admin-&lt;password", "k" * 40]


@pytest.mark.parametrize("accepts", ["text/html", "application/json"])
def test_neither_settings_nor_variables_nor_the_message_show_a_secret(settings, accepts):
    settings.DEBUG = True
    settings.ENV = env.read(SECRETS)
    settings.SECRET_KEY = SECRETS["SECRET_KEY"]
    settings.REDIS_URL = SECRETS["REDIS_URL"]
    settings.SCANNER_NOTIFY_URLS = SECRETS["SCANNER_NOTIFY_URLS"].split(",")
    settings.SCANNER_PING_URL = SECRETS["SCANNER_PING_URL"]
    settings.ALPACA_KEY_ID, settings.ALPACA_SECRET_KEY = SECRETS["ALPACA_KEY_ID"], SECRETS["ALPACA_SECRET_KEY"]
    request = RequestFactory().get("/", headers={"Accept": accepts})
    request.META |= SECRETS  # some servers put all of it there

    try:
        variables = [*SECRETS.values(), "pa&ss-db"]
        raise ValueError(f"connection to {variables[1]} failed")
    except ValueError as exc:
        page = technical_500_response(request, type(exc), exc, exc.__traceback__).content.decode()

    assert "connection to" in page
    assert [part for part in PARTS if part in page] == []
