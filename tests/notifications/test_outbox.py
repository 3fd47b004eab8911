import pytest
from django.db import connection, transaction

from scanner_app.domain.enums import NotificationState
from scanner_app.models import Notification
from scanner_app.notifications import trigger
from tests.conftest import T0
from tests.notifications.conftest import bar_of, recovers


@pytest.fixture
def channels(settings):
    settings.ADMINS = [("Ada", "ada@example.org")]
    settings.SCANNER_NOTIFY_URLS = [
        "json://robot:secretpassword@example.org/tokentoken",
        "slack://TokenA/TokenB/TokenC",
    ]


def test_an_opening_leaves_a_row_for_each_channel(channels, opens):
    symbol = opens()

    rows = Notification.objects.order_by("pk")
    assert [row.channel for row in rows] == ["mail", "apprise 1 (json://example.org)", "apprise 2 (slack)"]
    assert {(row.kind, row.symbol_id, row.bar_id, row.at, row.state, row.attempts) for row in rows} == {
        ("opened", symbol.pk, bar_of(symbol), T0, NotificationState.PENDING, 0)
    }
    assert {row.subject for row in rows} == {"TSLA processing failed 3 times"}
    assert len({row.message_id for row in rows}) == 3


def test_no_secret_of_a_channel_is_stored(channels, opens):
    opens()

    stored = str(list(Notification.objects.values()))
    assert not [secret for secret in ("secretpassword", "tokentoken", "TokenA", "TokenB") if secret in stored]


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        pytest.param("tgram://123456789:abcdefg/12315544/", "apprise 1 (tgram)", id="a token in the host's place"),
        pytest.param("mailto://ada:secret@example.org", "apprise 1 (mailto://example.org)", id="a real host"),
        pytest.param("jsons://[::1]:8080/x", "apprise 1 (jsons://[::1])", id="an address of version 6"),
        pytest.param("json://[bad", "apprise 1 (json://[bad)", id="half an address"),
        pytest.param("secret without a scheme", "apprise 1 (not a URL)", id="no URL at all"),
    ],
)
def test_a_channel_is_named_without_its_secrets(settings, opens, url, channel):
    settings.SCANNER_NOTIFY_URLS = [url]

    opens()

    assert Notification.objects.get().channel == channel


def test_without_a_channel_one_skipped_row_says_so(opens, asked, settings, django_capture_on_commit_callbacks):
    settings.ADMINS, settings.SCANNER_NOTIFY_URLS = [], []

    with django_capture_on_commit_callbacks(execute=True):
        opens()

    row = Notification.objects.get()
    assert (row.state, row.next_try_at, row.channel) == (NotificationState.SKIPPED, None, "none")
    assert row.error.startswith("no channel")
    assert row.subject == "TSLA processing failed 3 times"
    assert asked == []


@pytest.mark.parametrize("by", ["scanner", "ada"])
def test_a_recovery_is_notified_too(channels, opens, clock, by):
    symbol = opens()
    clock.move(63)

    recovers(symbol, clock, by=by)

    rows = Notification.objects.filter(kind="recovered")
    assert [(row.subject, row.at, row.symbol_id) for row in rows] == [("TSLA recovered", clock.now, symbol.pk)] * 3


def test_a_message_id_has_the_domain_of_the_sender_and_costs_no_look_up(channels, opens, settings, monkeypatch):
    settings.SERVER_EMAIL = "Scanner <scanner@example.org>"
    monkeypatch.setattr("socket.getfqdn", lambda *_: pytest.fail("a transaction must not wait for a name server"))

    opens()

    row = Notification.objects.filter(channel="mail").get()
    assert row.message_id.endswith("@example.org>")


@pytest.mark.django_db(transaction=True)
class TestTransaction:
    def test_a_delivery_is_triggered_only_after_the_commit(self, channels, opens, monkeypatch):
        in_transaction = []
        monkeypatch.setattr(trigger, "trigger_delivery", lambda: in_transaction.append(connection.in_atomic_block))

        with transaction.atomic():
            opens()
            assert in_transaction == []

        assert in_transaction == [False]

    def test_a_transition_that_is_rolled_back_notifies_nobody(self, channels, opens, asked):
        class TakenBack(Exception):
            pass

        def fail_after_opening():
            with transaction.atomic():
                opens()
                raise TakenBack

        with pytest.raises(TakenBack):
            fail_after_opening()

        assert not Notification.objects.exists()
        assert asked == []

    def test_a_failing_broker_does_not_affect_the_transition(self, channels, opens, monkeypatch):
        def fail():
            raise RuntimeError("any error of the broker's library")

        monkeypatch.setattr(trigger, "trigger_delivery", fail)

        opens()

        assert Notification.objects.filter(state="pending").count() == 3
