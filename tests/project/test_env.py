"""The environment: defaults, and a clear sentence for each bad value."""

import pytest

from scanner_project import env


def test_the_defaults_are_those_of_the_contract():
    read = env.read({})

    assert (read.WEB_PORT, read.FLOWER_PORT, read.WEB_HOST) == (8000, 5555, "127.0.0.1")
    assert read.SCANNER_RETRY_DELAYS == "1,2,4,8,16,30"
    assert (read.SCANNER_BREAKER_THRESHOLD, read.SCANNER_BREAKER_RECOVERY_S) == (3, 30)
    assert (read.SCANNER_SOFT_LIMIT_S, read.SCANNER_HARD_LIMIT_S) == (10, 15)
    assert (read.SCANNER_MAX_BACKLOG, read.SCANNER_MAX_SYMBOLS) == (100_000, 50_000)
    assert read.SCANNER_SHARD == ""
    assert read.demo is True


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("WEB_PORT", "x", "integer", id="no number"),
        pytest.param("WEB_PORT", "70000", "65535", id="no port"),
        pytest.param("SCANNER_BREAKER_RECOVERY_S", "0", "greater than 0", id="no time"),
        pytest.param("SCANNER_BREAKER_RECOVERY_S", "nan", "greater than 0", id="not a number"),
        pytest.param("SCANNER_SOFT_LIMIT_S", "inf", "finite", id="endless"),
        pytest.param("SCANNER_BREAKER_THRESHOLD", "0", "greater than or equal to 1", id="threshold of none"),
        pytest.param("SCANNER_RETRY_DELAYS", "1,two", "'two' is not a number", id="a word in the delays"),
        pytest.param("SCANNER_CALENDARS", "*=XNYS,TSLA", "'TSLA' is not", id="a pattern without a calendar"),
        pytest.param("SCANNER_SIGNED_PRICES", "CL=F,ÖL*", "'ÖL*' is none", id="no ticker has an umlaut"),
        pytest.param("SCANNER_SIGNED_PRICES", "A\\\\B", "patterns of tickers", id="nor a backslash"),
        pytest.param("SCANNER_CALENDARS", "=XNYS", "PATTERN=CALENDAR", id="a calendar without a pattern"),
        pytest.param("SCANNER_DERIVE", "1m=5m,1w", "1w can't be made from 1m", id="a timeframe that is not made"),
        pytest.param("SCANNER_STALE_GRACE_S", "-1", "greater than 0", id="a grace below nothing"),
        pytest.param("SCANNER_METRICS_SYMBOLS", "-1", "greater than or equal to 0", id="fewer symbols than none"),
        pytest.param("SCANNER_METRICS_TOKEN", "a b", "(hidden): must be ASCII", id="a token that no client can send"),
        pytest.param("SCANNER_UNKNOWN_SYMBOLS", "maybe", "'create' or 'reject'", id="another word"),
        pytest.param("REDIS_URL", "http://x", "redis://", id="another scheme"),
        pytest.param("DATABASE_URL", "mysql://x", "postgres://", id="another database"),
        pytest.param("EMAIL_URL", "mail.example.org", "(hidden): must be a mail server's address", id="a bare host"),
        pytest.param("EMAIL_URL", "smtp://a:b@host:x", "(hidden): must be a mail server's address", id="a bad port"),
        pytest.param("EMAIL_URL", "smtp://", "(hidden): must be a mail server's address", id="mail to nowhere"),
        pytest.param("SCANNER_ADMINS", "a@x.org, me", "'me' is none", id="a name instead of an address"),
        pytest.param("SECRET_KEY", "a" * 31, "(hidden): must have at least 32 characters", id="a key to guess"),
        pytest.param("DEMO", "yes", "'0', '1' or 'live'", id="another word for the demo"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_value(name, value, says):
    with pytest.raises(env.BadSetting) as caught:
        env.read({name: value})

    assert str(caught.value).startswith(f"{name}=")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_URL", "smtp+tls://joe%40x.org:secret@mail.example.org:587"),
        ("EMAIL_URL", "smtp://127.0.0.1:2525?timeout=5"),
        ("EMAIL_URL", "consolemail://"),
        ("EMAIL_URL", "dummymail://"),
        ("EMAIL_URL", "filemail:///tmp/mails"),
        ("SCANNER_ADMINS", ""),
        ("SCANNER_ADMINS", "root@localhost,Ada <ada@example.org>"),
    ],
)
def test_an_address_for_mail_is_kept_as_it_is(name, value):
    assert getattr(env.read({name: value}), name) == value


def test_a_misspelt_name_is_told_with_the_one_that_was_meant():
    given = {
        "SCANNER_BREAKER_TRESHOLD": "5",
        "SCANNER_ADMIN": "a@x.org",
        "SCANNER_BREAKER_THRESHOLD": "3",
        "SCANNER_TELL_S": "2",
        "SCANNER_IMAGE": "market-scanner:1",
        "SCANNER_TEST_DATABASE": "postgresql",
        "PATH": "/bin",
    }

    assert env.misspelt(given) == [
        "SCANNER_ADMIN is no setting; did you mean SCANNER_ADMINS?",
        "SCANNER_BREAKER_TRESHOLD is no setting; did you mean SCANNER_BREAKER_THRESHOLD?",
    ]


@pytest.mark.parametrize("name", ["HOME", "RUN", "CHAOS", "KILL_POINTS", "PULSE_SOCKET", "SUPERVISOR_SOCKET"])
def test_names_of_our_own_that_are_no_settings_are_left_alone(name):
    assert env.misspelt({f"SCANNER_{name}": "x"}) == []


def test_a_password_in_a_bad_url_is_not_shown():
    with pytest.raises(env.BadSetting) as caught:
        env.read({"DATABASE_URL": "mysql://user:secret@host/x"})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        pytest.param("redis://h:1/2", "redis://h:1/2", id="tcp"),
        pytest.param("unix:///tmp/r.sock", "redis+socket:///tmp/r.sock?virtual_host=0", id="unix socket"),
        pytest.param("unix:///tmp/r.sock?db=3", "redis+socket:///tmp/r.sock?virtual_host=3", id="and its database"),
    ],
)
def test_celery_gets_the_same_server_in_its_own_notation(url, broker):
    assert env.read({"REDIS_URL": url}).broker_url == broker


def test_a_deep_data_folder_gets_a_short_socket_path(tmp_path):
    deep = tmp_path / ("x" * 120)

    socket = env.read({"DATA_DIR": str(deep)}).redis_socket

    assert len(str(socket)) <= env.MAX_SOCKET_PATH
    assert socket == env.read({"DATA_DIR": str(deep)}).redis_socket


def test_the_live_demo_is_one_more_feed():
    feeds = "binance:BTCUSDT@1m"

    assert env.read({"SCANNER_FEEDS": feeds}).feeds == feeds
    assert env.read({"SCANNER_FEEDS": feeds, "DEMO": "live"}).feeds.startswith(f"{feeds}; demo:005930USDT,AAPLUSDT,")
    assert env.read({"DEMO": "live"}).feeds.startswith("demo:")
    assert env.read({"DEMO": "1"}).feeds == ""
    assert not env.read({"DEMO": "live"}).demo  # nothing is replayed beside it


def test_empty_detectors_mean_none_and_unset_the_shipped_ones():
    assert env.read({"SCANNER_DETECTORS": ""}).SCANNER_DETECTORS == ""
    assert "Candlesticks" in env.read({}).SCANNER_DETECTORS


def test_secrets_are_not_shown_where_django_shows_its_settings():
    shown = repr(env.read({"SCANNER_METRICS_TOKEN": "secret-1", "ADMIN_PASSWORD": "secret-2", "WEB_PORT": "1234"}))

    assert "secret" not in shown
    assert "WEB_PORT=1234" in shown
