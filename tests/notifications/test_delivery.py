"""Rows to real servers, with a moved clock."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection

from scanner_app.domain.enums import NotificationKind, NotificationState, Severity
from scanner_app.models import Alert, Notification
from scanner_app.notifications import channels, delivery, links, outbox, texts
from scanner_app.tasks import DELIVER_HARD_LIMIT_S, DELIVER_SOFT_LIMIT_S, deliver_notifications
from tests.conftest import T0, make_symbol
from tests.mailbox.test_races import at_once
from tests.notifications.conftest import recovers, states

SUBJECT = "TSLA processing failed 3 times"


class Crash(BaseException):
    """What ends a process, as far as the code under test can see."""


def the_row() -> Notification:
    return Notification.objects.get()


def test_a_pending_notification_is_mailed_and_recorded(opens, clock, mail_server):
    symbol = opens()
    clock.move(1)

    assert delivery.run(clock) == {"sent": 1}

    row = the_row()
    (mail,) = mail_server.mails
    assert mail_server.subjects == [SUBJECT]
    assert mail["Message-ID"] == row.message_id
    assert f"http://127.0.0.1:8000/admin/scanner_app/symbol/{symbol.pk}/change/" in mail.get_payload()
    assert (row.state, row.sent_at, row.next_try_at, row.error) == ("sent", clock.now, None, "")


def test_a_notification_goes_out_once_by_every_channel(opens, clock, mail_server, web_server, settings):
    settings.SCANNER_NOTIFY_URLS = [web_server.url]
    opens()

    delivery.run(clock)
    clock.move(3600)
    delivery.run(clock)

    assert mail_server.subjects == [SUBJECT]
    assert [message["title"] for message in web_server.taken] == [SUBJECT]


def test_the_task_delivers_by_the_real_time(opens, mail_server):
    opens()  # at T0, which is long past

    assert deliver_notifications() == {"sent": 1}
    assert mail_server.subjects == [SUBJECT]


def test_a_clock_ahead_of_the_notify_workers_delays_nothing(opens, clock, mail_server):
    opens()
    clock.move(-5)

    assert delivery.run(clock) == {"sent": 1}


def test_opening_and_recovery_arrive_in_that_order(opens, clock, mail_server):
    symbol = opens()
    recovers(symbol, clock)

    delivery.run(clock)

    assert mail_server.subjects == [SUBJECT, "TSLA recovered"]


def test_a_dead_mail_server_is_tried_again_later_and_then_gets_the_message(opens, clock, dead_mail_server):
    opens()

    assert delivery.run(clock) == {"retried": 1}
    row = the_row()
    assert (row.state, row.attempts, row.next_try_at) == ("pending", 1, T0 + timedelta(seconds=10))
    assert "Connection refused" in row.error

    clock.move(9.9)
    assert delivery.run(clock) == {}
    dead_mail_server.start()
    clock.move(0.1)
    assert delivery.run(clock) == {"sent": 1}

    assert dead_mail_server.subjects == [SUBJECT]
    assert states() == [(SUBJECT, "sent", 2)]
    assert the_row().error == ""


def test_tries_are_as_far_apart_as_the_list_says_and_end_after_a_day(opens, clock, dead_mail_server):
    opens()
    tries = []

    while the_row().state == NotificationState.PENDING:
        clock.now = the_row().next_try_at
        tries.append(clock.now)
        delivery.run(clock)

    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(tries)]
    assert gaps == [10, 30, 120, 600, 1800, *[3600] * 24]
    assert (the_row().state, the_row().next_try_at) == ("failed", None)
    assert "Connection refused" in the_row().error


def test_a_dead_channel_does_not_hold_up_the_other(opens, clock, dead_mail_server, web_server, settings):
    settings.SCANNER_NOTIFY_URLS = [web_server.url]
    opens()

    assert delivery.run(clock) == {"retried": 1, "sent": 1}
    assert [message["title"] for message in web_server.taken] == [SUBJECT]


def test_after_a_failure_its_channel_comes_last(opens, clock, dead_mail_server, web_server, settings):
    settings.SCANNER_NOTIFY_URLS = [web_server.url]
    opens()
    delivery.run(clock)
    clock.move(10)
    opens("AAPL")

    assert delivery._channels_with_work(clock.now) == ["apprise 1 (json://127.0.0.1)", "mail"]


def test_a_dead_server_is_tried_with_one_message_a_run(opens, clock, dead_mail_server):
    for ticker in ("A", "B", "C"):
        opens(ticker)

    delivery.run(clock)

    assert [attempts for _, _, attempts in states()] == [1, 0, 0]


def test_a_message_that_is_refused_does_not_hold_up_the_next(opens, clock, mail_server):
    opens("A")
    opens("B")
    mail_server.refuse = "552 not this one"
    delivery.run(clock)
    mail_server.refuse = ""
    clock.move(5)

    delivery.run(clock)

    assert mail_server.subjects == ["B processing failed 3 times"]


def test_after_a_crash_between_sending_and_recording_it_is_sent_again_with_the_same_message_id(
    opens, clock, mail_server, monkeypatch
):
    opens()
    with monkeypatch.context() as dying:
        dying.setattr(delivery, "_record_sent", lambda *_: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            delivery.run(clock)
    assert len(mail_server.mails) == 1
    assert the_row().state == "pending"

    clock.move(119.9)
    assert delivery.run(clock) == {}  # it may still be alive and sending
    clock.move(0.1)
    assert delivery.run(clock) == {"sent": 1}

    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"] == the_row().message_id
    assert first.get_payload() == second.get_payload()
    assert delivery.run(clock) == {}


def test_a_message_whose_worker_always_dies_is_given_up_after_the_last_try(opens, clock, mail_server):
    opens()
    Notification.objects.update(attempts=len(delivery.BACKOFF) + 1)

    assert delivery.run(clock) == {"failed": 1}
    assert (the_row().state, mail_server.mails) == ("failed", [])


def test_the_lease_is_longer_than_the_task_may_run():
    assert (
        delivery.RUN_FOR
        < timedelta(seconds=DELIVER_SOFT_LIMIT_S)
        < timedelta(seconds=DELIVER_HARD_LIMIT_S)
        < delivery.LEASE
    )


def test_a_run_starts_no_message_after_its_time(opens, clock, mail_server, monkeypatch):
    opens("A")
    opens("B")
    really_send = channels.send

    def send_slowly(*args, **options):
        really_send(*args, **options)
        clock.move(31)

    monkeypatch.setattr(channels, "send", send_slowly)

    assert delivery.run(clock) == {"sent": 1}
    assert [attempts for _, _, attempts in states()] == [1, 0]


def test_a_channel_that_is_no_longer_configured_is_given_up(opens, clock, mail_server, settings):
    opens()
    settings.ADMINS = []

    assert delivery.run(clock) == {"failed": 1}
    assert (the_row().state, the_row().error[:36]) == ("failed", "this channel is no longer configured")


def test_waiting_messages_go_to_the_corrected_url(opens, clock, web_server, settings):
    settings.ADMINS, settings.SCANNER_NOTIFY_URLS = [], ["json://localhost:1/mistyped"]
    opens()
    delivery.run(clock)
    settings.SCANNER_NOTIFY_URLS = [web_server.url]
    clock.move(10)

    assert delivery.run(clock) == {"sent": 1}
    assert len(web_server.taken) == 1


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8000", id="one address"),
        pytest.param("0.0.0.0", "http://localhost:8000", id="every address"),
        pytest.param("::", "http://localhost:8000", id="every address of version 6"),
        pytest.param("::1", "http://[::1]:8000", id="an address of version 6"),
    ],
)
def test_links_begin_where_the_pages_listen(settings, host, url):
    settings.PUBLIC_URL = settings.ENV.model_copy(update={"WEB_HOST": host}).public_url

    assert links.base_url() == url


def test_links_begin_with_the_public_url(opens, clock, mail_server, settings):
    settings.PUBLIC_URL = settings.ENV.model_copy(update={"PUBLIC_URL": "https://scan.example.org/"}).public_url
    symbol = opens()

    delivery.run(clock)

    links_in_it = mail_server.mails[0].get_payload().replace("\r", "").rstrip().splitlines()[-2:]
    assert links_in_it == [
        f"https://scan.example.org/admin/scanner_app/symbol/{symbol.pk}/change/",
        "https://scan.example.org/runbook/breaker/",
    ]


class TestDigest:
    def test_five_openings_in_a_minute_are_named_by_one_message(self, opens, clock, mail_server):
        for ticker in "ABCDE":
            opens(ticker)
            delivery.run(clock)
            clock.move(1)
        assert len(mail_server.mails) == 4

        clock.move(14)
        assert delivery.run(clock) == {"sent": 1}

        digest = mail_server.mails[-1]
        assert mail_server.subjects[-1] == "5 symbols: processing failed"
        assert all(f"- {ticker}, 14:30:0" in digest.get_payload() for ticker in "ABCDE")
        assert "http://127.0.0.1:8000/admin/scanner_app/symbol/\n" in digest.get_payload().replace("\r", "")
        assert {state for _, state, _ in states()} == {"sent"}
        assert Notification.objects.get(subject__startswith="E ").sent_at == clock.now
        assert Notification.objects.get(kind="digest").names.count() == 5
        clock.move(60)
        assert delivery.run(clock) == {}

    def test_two_hundred_at_once_are_two_messages(self, opens, clock, mail_server):
        for number in range(200):
            opens(f"S{number}")

        delivery.run(clock)
        clock.move(10)
        delivery.run(clock)
        clock.move(10)
        delivery.run(clock)

        assert mail_server.subjects == ["S0 processing failed 3 times", "200 symbols: processing failed"]
        assert not Notification.objects.exclude(state="sent").exists()

    def test_recoveries_are_combined_too(self, opens, clock, mail_server):
        for ticker in "ABCDEF":
            recovers(opens(ticker), clock)
        clock.move(60)

        delivery.run(clock)

        assert mail_server.subjects == ["6 symbols: processing failed", "6 symbols recovered"]

    def test_each_channel_has_its_own_digest(self, opens, clock, mail_server, web_server, settings):
        settings.SCANNER_NOTIFY_URLS = [web_server.url]
        for ticker in "ABCDE":
            opens(ticker)
        clock.move(60)

        delivery.run(clock)

        assert mail_server.subjects == [message["title"] for message in web_server.taken]
        assert mail_server.subjects == ["5 symbols: processing failed"]

    def test_a_failed_digest_is_the_same_message_when_it_is_sent_again(self, opens, clock, dead_mail_server):
        for ticker in "ABCDE":
            opens(ticker)
        clock.move(60)
        delivery.run(clock)
        opens("F")  # after the digest was made
        planned = Notification.objects.get(kind="digest").message_id
        dead_mail_server.start()
        clock.move(10)

        delivery.run(clock)

        digest = dead_mail_server.mails[0]
        assert (dead_mail_server.subjects[0], digest["Message-ID"]) == ("5 symbols: processing failed", planned)
        assert "- F" not in digest.get_payload()

    def test_a_message_that_may_have_arrived_is_still_sent_under_its_own_id(self, opens, clock, dead_mail_server):
        opens("A")
        delivery.run(clock)  # fails, and it is unknown how far it came
        for ticker in "BCDEF":
            opens(ticker)
        dead_mail_server.start()
        clock.move(60)

        delivery.run(clock)

        assert sorted(dead_mail_server.subjects) == ["6 symbols: processing failed", "A processing failed 3 times"]

    def test_a_single_message_that_waits_for_its_next_try_is_not_replaced_by_a_digest(
        self, opens, clock, dead_mail_server
    ):
        opens("A")
        delivery.run(clock)
        Notification.objects.update(next_try_at=clock.now + timedelta(minutes=2))
        for ticker in "BCDEF":
            opens(ticker)
        dead_mail_server.start()
        clock.move(60)
        delivery.run(clock)
        assert dead_mail_server.subjects == ["6 symbols: processing failed"]

        clock.move(60)
        delivery.run(clock)

        assert dead_mail_server.subjects[1:] == ["A processing failed 3 times"]

    def test_few_symbols_by_many_channels_are_no_burst(self, opens, clock, mail_server, web_server, settings):
        settings.SCANNER_NOTIFY_URLS = [web_server.url]
        for ticker in "ABC":
            opens(ticker)

        assert delivery.run(clock) == {"sent": 6}

    def test_few_openings_and_few_recoveries_are_no_burst(self, opens, clock, mail_server):
        for ticker in "ABC":
            recovers(opens(ticker), clock)

        assert delivery.run(clock) == {"sent": 6}

    def test_when_a_digest_is_given_up_so_are_all_that_it_names(self, opens, clock, dead_mail_server):
        for ticker in "ABCDE":
            opens(ticker)
        clock.move(60)
        delivery.run(clock)
        Notification.objects.filter(kind="digest").update(attempts=len(delivery.BACKOFF))
        clock.move(3600)

        assert delivery.run(clock) == {"failed": 1}

        assert {state for _, state, _ in states()} == {"failed"}
        assert "Connection refused" in Notification.objects.get(subject__startswith="E ").error


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run_with_own_connection(self, clock):
        try:
            return delivery.run(clock)
        finally:
            connection.close()

    def test_two_workers_send_each_message_once(self, opens, clock, mail_server):
        for ticker in "ABCD":
            opens(ticker)

        reports = at_once([lambda: self.run_with_own_connection(clock)] * 2)

        assert sorted(mail_server.subjects) == [f"{ticker} processing failed 3 times" for ticker in "ABCD"]
        assert sum(report.get("sent", 0) for report in reports) == 4

    def test_two_workers_create_one_digest(self, opens, clock, mail_server, monkeypatch):
        for ticker in "ABCDEF":
            opens(ticker)
        clock.move(60)
        both_have_planned = threading.Barrier(2)
        create_digest = delivery._create_digest

        def create_after_both_have_planned(*args):
            both_have_planned.wait(30)
            return create_digest(*args)

        monkeypatch.setattr(delivery, "_create_digest", create_after_both_have_planned)

        at_once([lambda: self.run_with_own_connection(clock)] * 2)

        assert mail_server.subjects == ["6 symbols: processing failed"]
        assert Notification.objects.filter(kind="digest").count() == 1

    def test_a_notification_in_a_digest_is_not_also_sent_alone_by_another_worker(self, opens, clock, dead_mail_server):
        opens("A")
        (seen_alone,) = delivery._ready("mail", clock.now)
        for ticker in "BCDEF":
            opens(ticker)
        clock.move(60)
        delivery.run(clock)

        assert Notification.objects.get(pk=seen_alone.pk).state == "pending"  # until its digest is sent
        assert not delivery._claim(seen_alone, clock.now)


def writes(rule: str, severity: str, number: int, *, kind: str = "fired", symbol=None, at=T0) -> None:
    """An alert of this rule and its notification, as the evaluation writes them."""
    alert = Alert.objects.create(
        rule=rule, severity=severity, subject=f"s{number}", symbol=symbol, state="firing", message="m", began_at=at
    )
    text = texts.Text(subject=f"{severity}: s{number}: {rule}", body=f"{rule} {number}.\n\nMore.")
    draft = outbox.NotificationDraft(
        kind=NotificationKind(kind),
        severity=Severity(severity),
        text=text,
        symbol_id=symbol and symbol.pk,
        alert_id=alert.pk,
    )
    outbox.write([draft], at)


@pytest.mark.django_db
class TestSeverity:
    def test_an_error_among_many_warnings_is_told_alone_and_first(self, clock, mail_server):
        for number in range(8):
            writes("slow_symbol", "warning", number)
        writes("no_worker", "error", 8)
        writes("quarantine", "info", 9)

        delivery.run(clock)
        at_once = list(mail_server.subjects)
        clock.move(60)
        delivery.run(clock)

        assert at_once == ["error: s8: no_worker", "warning: s0: slow_symbol"]
        assert mail_server.subjects[2:] == ["warning: 9 alerts began to fire"]
        digest = mail_server.mails[-1].get_payload().replace("\r", "")
        assert "9 alerts began to fire: 8 warning, 1 info." in digest
        assert digest.index("- warning, scanner, ") < digest.index("- info, scanner, ")
        assert "no_worker" not in digest

    def test_errors_of_different_rules_are_told_singly_however_many(self, clock, mail_server):
        rules = ["broker_away", "no_worker", "beat_late", "sweeper_late", "open_breakers", "deaf_worker"]
        for number, rule in enumerate(rules):
            writes(rule, "error", number)

        delivery.run(clock)

        assert mail_server.subjects == [f"error: s{number}: {rule}" for number, rule in enumerate(rules)]

    def test_one_error_of_many_symbols_is_one_message_and_a_digest_of_that_rule_alone(self, clock, mail_server):
        for number in range(20):
            writes("stuck_head", "error", number)
            writes("slow_symbol", "warning", 100 + number)

        delivery.run(clock)
        clock.move(60)
        delivery.run(clock)

        assert mail_server.subjects == [
            "error: s0: stuck_head",
            "warning: s100: slow_symbol",
            "error: 20 alerts began to fire",
            "warning: 20 alerts began to fire",
        ]
        assert "slow_symbol" not in mail_server.mails[2].get_payload()

    def test_every_message_has_its_runbook(self, opens, clock, mail_server):
        symbol = opens()
        recovers(symbol, clock)
        writes("slow_symbol", "warning", 1, kind="fired")
        writes("slow_symbol", "warning", 77, kind="cleared")
        for number in range(6):
            writes("backlog" if number % 2 else "stale_symbol", "warning", number, kind="renewed")
        clock.move(120)

        delivery.run(clock)

        pages = {
            str(mail["Subject"]): [line.partition("/runbook/")[2] for line in lines_of(mail) if "/runbook/" in line]
            for mail in mail_server.mails
        }
        assert pages == {
            "[Scanner] TSLA processing failed 3 times": ["breaker/"],
            "[Scanner] TSLA recovered": ["breaker/"],
            "[Scanner] warning: s1: slow_symbol": ["slow_symbol/"],
            "[Scanner] warning: s77: slow_symbol": ["slow_symbol/"],
            "[Scanner] warning: 6 alerts still fire": ["backlog/", "stale_symbol/"],
        }

    @pytest.mark.parametrize(
        ("kind", "severity", "type_"),
        [
            ("fired", "error", "failure"),
            ("renewed", "warning", "warning"),
            ("fired", "info", "info"),
            ("cleared", "error", "success"),
        ],
    )
    def test_a_webhook_gets_the_type_that_apprise_has_for_it(self, clock, web_server, settings, kind, severity, type_):
        settings.SCANNER_NOTIFY_URLS = [web_server.url]
        writes("backlog", severity, 1, kind=kind, symbol=make_symbol("TSLA"))

        delivery.run(clock)

        message = web_server.taken[0]
        assert (message["type"], message["severity"], message["rule"], message["symbol"]) == (
            (type_, severity, "backlog", "TSLA")
        )

    def test_the_webhook_of_a_breaker_says_failure_and_success(self, opens, clock, web_server, settings):
        settings.SCANNER_NOTIFY_URLS = [web_server.url]
        recovers(opens(), clock)

        delivery.run(clock)

        assert [(one["type"], one["severity"], one["rule"], one["symbol"]) for one in web_server.taken] == [
            ("failure", "error", "breaker", "TSLA"),
            ("success", "info", "breaker", "TSLA"),
        ]

    def test_a_digest_of_what_is_over_is_a_success(self, clock, web_server, settings):
        settings.SCANNER_NOTIFY_URLS = [web_server.url]
        for number in range(6):
            writes("backlog", "warning", number, kind="cleared")
        clock.move(60)

        delivery.run(clock)

        assert [(one["type"], one["severity"], one["rule"]) for one in web_server.taken] == [
            ("success", "warning", "backlog")
        ]


def lines_of(mail):
    return mail.get_payload().replace("\r", "").splitlines()
