"""One message by one channel, to real servers on the loopback."""

import time
from typing import Any

import pytest

from scanner_app.notifications import channels
from scanner_app.notifications.channels import Channel, NotDelivered
from tests.notifications.conftest import free_port
from tests.odd_tickers import ODD_TICKERS

MAIL = Channel(name="mail")
MESSAGE: dict[str, Any] = {
    "subject": "TSLA processing failed 3 times",
    "body": "Why.\n\n<b>x</b>",
    "message_id": "<1@example.org>",
}


def apprise(url: str) -> Channel:
    return Channel(name=f"apprise 1 ({url.partition(':')[0]})", url=url)


def test_a_mail_reaches_all_administrators_under_its_message_id(mail_server, settings):
    settings.SERVER_EMAIL = "scanner@example.org"

    channels.send(MAIL, **MESSAGE)

    (mail,) = mail_server.mails
    assert mail["Subject"] == "[Scanner] TSLA processing failed 3 times"
    assert mail["X-Envelope-To"] == "ada@example.org,bo@example.org"
    assert (mail["From"], mail["Message-ID"]) == ("scanner@example.org", "<1@example.org>")
    assert mail.get_payload().replace("\r", "").strip() == "Why.\n\n<b>x</b>"


def test_an_odd_ticker_stands_in_a_mails_subject_as_it_is(mail_server):
    for ticker in ODD_TICKERS:
        channels.send(MAIL, **{**MESSAGE, "subject": f"{ticker} processing failed 3 times"})

    subjects = [mail["Subject"] for mail in mail_server.mails]
    assert subjects == [f"[Scanner] {ticker} processing failed 3 times" for ticker in ODD_TICKERS]


def test_an_apprise_message_reaches_a_web_server(web_server):
    channels.send(apprise(web_server.url), **MESSAGE)

    (message,) = web_server.taken
    assert (message["title"], message["message"]) == (MESSAGE["subject"], MESSAGE["body"])


def test_a_webhook_gets_type_severity_rule_and_symbol_as_fields(web_server):
    about = channels.About(type="failure", severity="error", rule="stuck_head", symbol="TSLA")

    channels.send(apprise(web_server.url), **MESSAGE, about=about)

    message = web_server.taken[0]
    assert {name: message[name] for name in ("type", "severity", "rule", "symbol")} == {
        "type": "failure",
        "severity": "error",
        "rule": "stuck_head",
        "symbol": "TSLA",
    }


def test_a_field_that_the_url_names_itself_keeps_the_urls_value(web_server):
    channels.send(apprise(web_server.url + "?:severity=P1"), **MESSAGE, about=channels.About(severity="error"))

    assert web_server.taken[0]["severity"] == "P1"


def test_a_service_that_shows_html_shows_the_text_escaped(web_server):
    channels.send(apprise(web_server.url + "?format=html"), **MESSAGE)

    assert "&lt;b&gt;x&lt;/b&gt;" in web_server.taken[0]["message"]


def test_the_answer_of_a_refusing_mail_server_is_in_the_error(mail_server):
    mail_server.refuse = "552 mailbox full"

    with pytest.raises(NotDelivered, match=r"552.*mailbox full"):
        channels.send(MAIL, **MESSAGE)


def test_a_dead_mail_server_is_an_error(dead_mail_server):
    with pytest.raises(NotDelivered, match="Connection refused"):
        channels.send(MAIL, **MESSAGE)


def test_a_mail_server_that_never_answers_is_given_up_after_the_timeout(
    dead_mail_server, deaf_port, settings, monkeypatch
):
    settings.EMAIL_PORT = deaf_port
    monkeypatch.setattr(channels, "MAIL_TIMEOUT_S", 0.2)
    began = time.monotonic()

    with pytest.raises(NotDelivered, match="timed out"):
        channels.send(MAIL, **MESSAGE)

    assert time.monotonic() - began < 2


@pytest.mark.timeout(20)
def test_a_web_server_that_never_answers_is_given_up_after_the_timeout_of_the_url(deaf_port):
    with pytest.raises(NotDelivered):
        channels.send(apprise(f"json://127.0.0.1:{deaf_port}/?rto=0.2"), **MESSAGE)


@pytest.mark.timeout(20)
def test_a_web_server_that_never_answers_is_given_up_after_our_timeout_whatever_the_url(deaf_port, monkeypatch):
    monkeypatch.setattr(channels, "APPRISE_TIMEOUT_S", 0.2)
    began = time.monotonic()

    with pytest.raises(NotDelivered):
        channels.send(apprise(f"json://127.0.0.1:{deaf_port}/?rto=3"), **MESSAGE)

    assert time.monotonic() - began < 2


def test_an_apprise_error_is_kept_without_the_secrets_of_the_url(web_server, monkeypatch):
    web_server.status = 500

    with pytest.raises(NotDelivered, match="500") as failed:
        channels.send(apprise(web_server.url), **MESSAGE)

    assert "secretpassword" not in str(failed.value)


def test_secrets_are_removed_from_a_library_error_that_quotes_the_url(web_server, monkeypatch):
    def explode(channel, *_):
        raise ValueError(f"can't reach {channel.url}")

    monkeypatch.setattr(channels, "_by_apprise", explode)

    with pytest.raises(NotDelivered) as failed:
        channels.send(apprise(web_server.url), **MESSAGE)

    assert "can't reach json://" in str(failed.value)
    assert not [secret for secret in ("robot", "secretpassword", "tokentoken") if secret in str(failed.value)]


@pytest.mark.parametrize("url", ["nothing://example.org", "rubbish", "slack://"])
def test_a_url_that_apprise_does_not_know_is_an_error(url):
    with pytest.raises(NotDelivered, match="can't use this URL"):
        channels.send(Channel(name="apprise 1 (x)", url=url), **MESSAGE)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        pytest.param("mail", None, id="mail is gone"),
        pytest.param("apprise 1 (json://a)", "json://a", id="as it was"),
        pytest.param("apprise 1 (json://mistyped)", "json://a", id="its host was corrected"),
        pytest.param("apprise 2 (json://a)", "json://b", id="another channel at its position"),
        pytest.param("apprise 3 (json://a)", None, id="nothing at its position"),
    ],
)
def test_a_stored_channel_is_found_again(settings, stored, found):
    settings.ADMINS, settings.SCANNER_NOTIFY_URLS = [], ["json://a", "json://b"]

    channel = channels.find(stored)

    assert (channel.url if channel else None) == found


def test_a_dead_web_server_is_an_error():
    with pytest.raises(NotDelivered, match="onnection"):
        channels.send(apprise(f"json://127.0.0.1:{free_port()}/"), **MESSAGE)
