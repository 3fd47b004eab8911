"""Hits are told: by webhook, mail and chat, with retries, once each."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from django.db import connection
from django.utils import timezone

from scanner_app.domain.enums import ChannelKind
from scanner_app.domain.errors import AlreadySent
from scanner_app.models import Channel, Delivery, Hit, Rule, WatchList
from scanner_app.notifications import webhooks
from scanner_app.notifications.channels import NotDelivered
from scanner_app.notifications.delivery import BACKOFF
from scanner_app.signals import channels, deliveries, hit_messages, telling
from tests.notifications.conftest import free_port
from tests.signals.conftest import make_channel, make_hit, make_rule, states
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def mail_url(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure&from=scanner@example.org&to=tom@example.org"


def test_a_webhook_gets_the_hit_signed_and_once(webhook, webhook_server, tell, now_clock):
    hit = make_hit(make_rule(webhook), now_clock.now)

    assert tell() == {"made": 1, "sent": 1}
    assert tell() == {}

    (taken,) = webhook_server.taken
    assert taken["type"] == "hit"
    assert taken["data"]["id"] == hit.pk
    assert {name: taken["data"][name] for name in ("rule_name", "symbol", "timeframe", "timestamp")} == {
        "rule_name": "Golden cross",
        "symbol": "TSLA",
        "timeframe": "1d",
        "timestamp": "2024-01-01T00:00:00Z",
    }
    assert taken["data"]["values"] == {"close": 11.0, "sma('close', 2)": 10.5}
    assert webhook_server.asked == [Delivery.objects.get().message_id]
    assert states() == [("sent", 1)]


def test_a_mail_has_the_values_in_words_and_the_chart(db, mail_server, tell, now_clock):
    channel, _ = make_channel(ChannelKind.APPRISE, mail_url(mail_server.port))
    make_hit(make_rule(channel), now_clock.now, day=2)

    assert tell() == {"made": 1, "sent": 1}

    (mail,) = mail_server.mails
    assert mail["Subject"] == "Golden cross: TSLA 1d"
    text, picture = (part for part in mail.walk() if not part.is_multipart())
    body = text.get_payload(decode=True).decode()
    assert "close > sma('close', 2)" in body
    assert "close: 11" in body
    assert Delivery.objects.get().message_id in body
    assert picture.get_content_type() == "image/png"
    assert picture.get_payload(decode=True).startswith(b"\x89PNG")


def test_each_hit_is_told_by_each_channel_of_its_rule(webhook, webhook_server, mail_server, tell, now_clock):
    mail, _ = make_channel(ChannelKind.APPRISE, mail_url(mail_server.port), name="mail")
    make_channel(ChannelKind.APPRISE, mail_url(mail_server.port), name="not chosen")
    rule = make_rule(webhook, mail)
    for ticker in ("AAPL", "TSLA"):
        make_hit(rule, now_clock.now, ticker)

    assert tell() == {"made": 4, "sent": 4}

    assert sorted(one["data"]["symbol"] for one in webhook_server.taken) == ["AAPL", "TSLA"]
    assert sorted(mail_server.subjects) == ["Golden cross: AAPL 1d", "Golden cross: TSLA 1d"]


def test_a_hit_of_a_rule_or_channel_that_is_gone_or_off_is_told_to_nobody(webhook, tell, now_clock):
    rule = make_rule(webhook)
    make_hit(rule, now_clock.now)
    make_hit(make_rule(webhook, enabled=False), now_clock.now)
    rule.delete()

    assert tell() == {}
    assert not Hit.objects.filter(told=False).exists()


def test_a_failed_webhook_is_tried_again_after_growing_pauses_for_a_day(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    webhook_server.answers = [(500, {})] * (len(BACKOFF) + 1)
    began = now_clock.now

    assert tell() == {"made": 1, "retried": 1}
    for pause in BACKOFF:
        now_clock.now += pause - timedelta(seconds=1)
        assert tell() == {}
        now_clock.now += timedelta(seconds=1)
        if len(webhook_server.asked) <= len(BACKOFF) - 1:
            assert tell() == {"retried": 1}

    assert timedelta(days=1) < now_clock.now - began < timedelta(days=1.1)
    assert tell() == {"given_up": 1}
    assert states() == [("given_up", len(BACKOFF) + 1)]
    assert "answered 500" in Delivery.objects.get().last_error
    assert len(set(webhook_server.asked)) == 1


def test_retry_after_is_obeyed(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    webhook_server.answers = [(429, {"Retry-After": "300"})]

    tell()
    now_clock.move(299)
    assert tell() == {}
    now_clock.move(2)
    assert tell() == {"sent": 1}


def test_410_ends_it_and_switches_the_channel_off(webhook, webhook_server, tell, now_clock):
    rule = make_rule(webhook)
    for ticker in ("AAPL", "TSLA"):
        make_hit(rule, now_clock.now, ticker)
    webhook_server.answers = [(410, {})]

    assert tell() == {"made": 2, "given_up": 1}

    webhook.refresh_from_db()
    assert not webhook.enabled
    assert {state for state, _ in states()} == {"given_up"}


def test_redirects_are_not_followed(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    webhook_server.answers = [(307, {"Location": webhook_server.url + "/elsewhere"})]

    assert tell() == {"made": 1, "retried": 1}

    assert webhook_server.paths == ["/secretpath"]
    assert "redirect" in Delivery.objects.get().last_error


def test_a_dead_channel_does_not_delay_the_others(webhook, webhook_server, tell, now_clock):
    dead, _ = make_channel(ChannelKind.WEBHOOK, f"http://127.0.0.1:{free_port()}/", name="dead")
    rule = make_rule(dead, webhook)
    for ticker in ("AAPL", "MSFT", "TSLA"):
        make_hit(rule, now_clock.now, ticker)

    assert tell() == {"made": 6, "sent": 3, "retried": 1}

    dead.refresh_from_db()
    assert dead.failures == 1
    assert dead.paused_until > now_clock.now
    assert "secretpath" not in dead.last_error


def test_what_is_older_than_the_rule_wants_is_dropped_and_counted(webhook, webhook_server, tell, now_clock):
    rule = make_rule(webhook, tell_within_s=60)
    make_hit(rule, now_clock.now - timedelta(seconds=61), "AAPL")
    make_hit(rule, now_clock.now - timedelta(seconds=59), "TSLA")

    assert tell() == {"made": 2, "expired": 1, "sent": 1}

    assert sorted(states()) == [("expired", 0), ("sent", 1)]
    assert [one["data"]["symbol"] for one in webhook_server.taken] == ["TSLA"]


def test_a_webhook_that_was_tried_is_tried_on_however_old(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook, tell_within_s=60), now_clock.now)
    webhook_server.answers = [(500, {})]

    tell()
    now_clock.move(600)

    assert tell() == {"sent": 1}


def test_more_than_twenty_a_minute_become_one_digest(webhook, webhook_server, tell, now_clock):
    rule = make_rule(webhook)
    for number in range(25):
        make_hit(rule, now_clock.now, f"S{number:02}")

    assert tell() == {"made": 25, "sent": 1}

    (taken,) = webhook_server.taken
    assert taken["type"] == "digest"
    assert [one["symbol"] for one in taken["data"]["hits"]] == [f"S{number:02}" for number in range(25)]
    assert Delivery.objects.filter(state="sent").count() == 26
    make_hit(rule, now_clock.now, "LATE")
    assert tell() == {"made": 1}  # the rest of the storm waits
    now_clock.move(61)
    assert tell() == {"sent": 1}


def test_a_digest_whose_symbols_were_deleted_is_not_told(webhook, webhook_server, tell, now_clock):
    webhook_server.answers = [(500, {})]
    rule = make_rule(webhook)
    for number in range(21):
        make_hit(rule, now_clock.now, f"S{number:02}")
    assert tell() == {"made": 21, "retried": 1}
    Hit.objects.all().delete()

    now_clock.move(600)

    assert tell() == {"expired": 1}
    assert webhook_server.taken == []


def test_a_channels_deliveries_are_looked_up_and_not_searched_for(webhook):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of its tables")

    plan = Delivery.objects.filter(channel=webhook).order_by("pk").values_list("pk", flat=True)[:500].explain()

    assert "delivery_channel_newest (channel_id=?)" in plan


def test_a_digest_by_mail_says_how_many_of_how_many_and_has_no_picture(db, mail_server, tell, now_clock):
    channel, _ = make_channel(ChannelKind.APPRISE, mail_url(mail_server.port))
    rule = make_rule(channel)
    for number in range(21):
        make_hit(rule, now_clock.now, f"S{number:02}")

    tell()

    (mail,) = mail_server.mails
    assert mail["Subject"] == "Golden cross: 21 of your 21 symbols"
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == ["text/plain"]


def test_a_single_message_says_how_many_symbols_hit_it_too(db, mail_server, tell, now_clock):
    channel, _ = make_channel(ChannelKind.APPRISE, mail_url(mail_server.port))
    rule = make_rule(channel)
    for ticker in ("AAPL", "MSFT", "TSLA"):
        make_hit(rule, now_clock.now, ticker)

    tell()

    assert all("3 of your 3 symbols" in str(mail) for mail in mail_server.mails)


def test_a_hit_is_told_although_its_rules_watch_list_was_deleted_meanwhile(webhook, webhook_server, tell, now_clock):
    rule = make_rule(webhook)
    watch_list = WatchList.objects.create(owner=rule.owner, name="tech", symbols=["TSLA"], created_at=now_clock.now)
    Rule.objects.filter(pk=rule.pk).update(watchlist=watch_list)
    make_hit(rule, now_clock.now)
    watch_list.delete()

    assert tell() == {"made": 1, "sent": 1}


def test_nothing_is_told_in_quiet_hours(webhook, webhook_server, tell, now_clock):
    now = now_clock.now.replace(hour=23, minute=0)
    now_clock.now = now
    channels.change(webhook, quiet_from=time(22), quiet_to=time(7))
    make_hit(make_rule(webhook), now)
    make_hit(make_rule(webhook, tell_within_s=900), now)

    assert tell() == {"made": 2}
    assert tell() == {}
    now_clock.now = now + timedelta(hours=7, minutes=59)
    assert tell() == {"expired": 1}
    now_clock.now = now + timedelta(hours=8)
    assert tell() == {"sent": 1}


def test_nothing_is_told_while_the_market_is_closed(webhook, tell, now_clock):
    now_clock.now = now_clock.now.replace(year=2024, month=6, day=1, hour=12)  # a Saturday
    channels.change(webhook, quiet_calendar="XNYS")
    make_hit(make_rule(webhook), now_clock.now)

    assert tell() == {"made": 1}
    assert Delivery.objects.get().next_attempt_at == datetime(2024, 6, 3, 13, 30, tzinfo=UTC)


def test_a_send_that_was_killed_is_repeated_with_the_same_id(webhook, webhook_server, tell, now_clock, monkeypatch):
    make_hit(make_rule(webhook), now_clock.now)

    def killed(*_: Any) -> None:
        raise SystemExit  # between sending and noting

    with monkeypatch.context() as patched:
        patched.setattr(telling, "_record_sent", killed)
        with pytest.raises(SystemExit):
            tell()
    assert tell() == {}  # it may still be on its way
    now_clock.now += telling.LEASE + timedelta(seconds=1)
    assert tell() == {"sent": 1}

    assert len(webhook_server.taken) == 2
    assert len(set(webhook_server.asked)) == 1


def test_a_message_that_kills_its_sender_each_time_is_given_up(webhook, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    deliveries.make(now_clock.now)
    Delivery.objects.update(attempts=len(BACKOFF) + 1, state="failed")

    assert tell() == {"given_up": 1}


def test_one_process_at_a_time_sends_by_a_channel(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    Channel.objects.update(busy_until=now_clock.now + timedelta(seconds=10))

    assert tell() == {"made": 1}
    now_clock.move(11)
    assert tell() == {"sent": 1}


def test_private_addresses_are_refused_when_connecting(webhook, webhook_server, tell, now_clock, settings):
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = False
    make_hit(make_rule(webhook), now_clock.now)

    assert tell() == {"made": 1, "retried": 1}

    assert webhook_server.asked == []
    assert "SCANNER_WEBHOOK_PRIVATE_ADDRESSES" in Delivery.objects.get().last_error


def test_a_name_that_leads_to_this_machine_is_refused_when_connecting(db, webhook_server, settings, monkeypatch):
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = False
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", webhook_server.server_port))]
    )

    with pytest.raises(NotDelivered, match="private network"):
        webhooks.send(
            f"http://example.org:{webhook_server.server_port}/",
            secret=webhooks.new_secret(),
            message_id="msg_1",
            body="{}",
            now=timezone.now(),
        )

    assert webhook_server.asked == []


@pytest.mark.parametrize("scheme", ["json", "xml", "form"])
def test_apprises_own_webhooks_are_refused_too(db, web_server, settings, tell, now_clock, scheme):
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = True
    channel, _ = make_channel(ChannelKind.APPRISE, web_server.url.replace("json", scheme))
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = False
    make_hit(make_rule(channel), now_clock.now)

    assert tell() == {"made": 1, "retried": 1}

    assert web_server.taken == []
    error = Delivery.objects.get().last_error
    assert "SCANNER_WEBHOOK_PRIVATE_ADDRESSES" in error
    assert "secretpassword" not in error


def test_a_webhook_behind_another_address_is_refused_too(db, web_server, mail_server, settings, tell, now_clock):
    """For apprise a text may be several addresses; the channel was made before such texts were refused."""
    settings.SCANNER_WEBHOOK_PRIVATE_ADDRESSES = False
    channel, _ = make_channel(ChannelKind.APPRISE, f"{mail_url(mail_server.port)}, {web_server.url}")
    make_hit(make_rule(channel), now_clock.now)

    assert tell() == {"made": 1, "retried": 1}

    assert web_server.taken == []


def test_a_lost_key_is_said_and_a_new_address_mends_it(webhook, webhook_server, tell, now_clock, settings):
    settings.SCANNER_CHANNEL_KEYS = ["another key, long enough to be one"]
    make_hit(make_rule(webhook), now_clock.now)

    assert tell() == {"made": 1, "retried": 1}

    assert "SCANNER_CHANNEL_KEY" in Delivery.objects.get().last_error


def test_a_retry_by_hand_sends_what_was_given_up(webhook, webhook_server, tell, now_clock):
    make_hit(make_rule(webhook, tell_within_s=60), now_clock.now - timedelta(seconds=90))
    tell()
    assert states() == [("expired", 0)]

    deliveries.retry(Delivery.objects.get(), now_clock.now)

    assert tell() == {"sent": 1}
    with pytest.raises(AlreadySent):
        deliveries.retry(Delivery.objects.get(), now_clock.now)


def test_the_rows_of_a_deleted_channel_go(webhook, tell, now_clock):
    make_hit(make_rule(webhook), now_clock.now)
    tell()

    channels.remove(webhook, now_clock.now)
    while tell():
        pass

    assert not Channel.objects.exists()
    assert not Delivery.objects.exists()


def test_what_a_receiver_answers_is_kept_without_secrets_and_without_what_no_database_takes(
    webhook, webhook_server, tell, now_clock
):
    make_hit(make_rule(webhook), now_clock.now)
    webhook_server.answers = [(500, {})]
    webhook_server.says = b"no \x00 such path: /secretpath"

    tell()

    error = Delivery.objects.get().last_error
    assert error.startswith("answered 500 Internal Server Error: no")
    assert "secretpath" not in error


def test_what_a_deleted_rule_had_to_tell_is_dropped(webhook, webhook_server, tell, now_clock):
    rule, many = make_rule(webhook), make_rule(webhook)
    make_hit(rule, now_clock.now)
    for number in range(21):
        make_hit(many, now_clock.now, f"S{number:02}")
    webhook_server.answers = [(500, {}), (500, {})]
    tell()
    now_clock.move(6)
    tell()
    type(rule).objects.update(deleted_at=now_clock.now)

    assert tell()["expired"] == 23

    assert {state for state, _ in states()} == {"expired"}


@pytest.mark.django_db(transaction=True)
def test_a_claim_is_renewed_while_a_send_takes_long(webhook, tell, now_clock, monkeypatch):
    make_hit(make_rule(webhook), now_clock.now)
    monkeypatch.setattr(telling, "RENEWED_EVERY_S", 0.01)

    def slow(*_: Any) -> None:
        now_clock.now += 2 * telling.LEASE
        wait_until(lambda: Channel.objects.get().busy_until > now_clock.now, "the claim is renewed")

    monkeypatch.setattr(hit_messages, "send", slow)

    assert tell() == {"made": 1, "sent": 1}
    assert Channel.objects.get().busy_until is None


def test_an_error_with_one_channel_keeps_no_other_from_its_hits(webhook, webhook_server, tell, now_clock, monkeypatch):
    broken, _ = make_channel(ChannelKind.APPRISE, mail_url(free_port()), name="broken")
    make_hit(make_rule(broken, webhook), now_clock.now)
    real = channels.quiet_until

    def quiet_until(channel, now):
        if channel == broken:
            raise ZoneInfoNotFoundError("No time zone found with key Europe/Kiev")
        return real(channel, now)

    monkeypatch.setattr(channels, "quiet_until", quiet_until)

    assert tell() == {"made": 2, "sent": 1}

    assert len(webhook_server.taken) == 1
    broken.refresh_from_db()
    assert broken.paused_until > now_clock.now
    assert broken.last_error.startswith("ZoneInfoNotFoundError: ")
    assert broken.busy_until is None
