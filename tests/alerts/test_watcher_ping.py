"""The outside watcher is pinged while all is well, and only then."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scanner_app.alerts import watcher_ping
from scanner_app.models import Alert, Evaluation
from scanner_app.reading import status
from scanner_app.tasks import PING_LIMIT_S, ping_watcher
from scanner_project import env
from tests.conftest import T0
from tests.notifications.conftest import free_port

pytestmark = pytest.mark.django_db

SECRET = "0000-made-up-0000"


class Watcher(ThreadingHTTPServer):
    """healthchecks.io, as far as we are concerned."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.asked: list[str] = []
        self.status = 200


class _Receiver(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def watcher(settings: Any) -> Iterator[Watcher]:
    server = Watcher()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.SCANNER_PING_URL = f"http://127.0.0.1:{server.server_port}/ping/{SECRET}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def evaluated(**values):
    Evaluation.objects.create(pk=1, **{"evaluated_at": T0, **values})


def alert(**values):
    fields = {"rule": "no_worker", "severity": "error", "state": "firing", "message": "m", "began_at": T0}
    Alert.objects.create(**{**fields, **values})


def test_while_all_is_well_the_url_is_requested(watcher):
    evaluated()
    alert(rule="backlog", severity="warning")
    alert(rule="deaf_worker", state="pending")
    alert(state="resolved")

    assert watcher_ping.run(T0 + timedelta(seconds=30)) == "pinged"
    assert watcher.asked == [f"/ping/{SECRET}"]


@pytest.mark.parametrize(
    ("prepare", "answer"),
    [
        pytest.param(lambda watcher: None, "answer 200", id="it answers"),
        pytest.param(lambda watcher: setattr(watcher, "status", 500), "answer 500", id="with an error"),
        pytest.param(lambda watcher: alert(), "withheld: alerts: no_worker", id="not pinged"),
    ],
)
def test_the_last_ping_and_its_answer_are_kept_and_in_the_status(watcher, prepare, answer):
    evaluated()
    prepare(watcher)

    watcher_ping.run(T0)

    assert status.overview(T0).watcher == status.WatcherPing(T0, answer)


def test_without_a_url_the_status_has_no_ping(settings):
    evaluated(pinged_at=T0, ping_answer="answer 200")

    assert status.overview(T0).watcher is None


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        pytest.param(lambda: None, "nobody has evaluated", id="never evaluated"),
        pytest.param(lambda: evaluated(evaluated_at=T0 - timedelta(seconds=31)), "nobody has evaluated", id="long ago"),
        pytest.param(
            lambda: evaluated(evaluated_at=T0 + timedelta(seconds=31)), "nobody has evaluated", id="the clock set back"
        ),
        pytest.param(lambda: evaluated(complete=False), "not every alert rule", id="not every rule could be judged"),
        pytest.param(lambda: [evaluated(), alert()], "alerts: no_worker", id="an error fires"),
        pytest.param(lambda: [evaluated(), alert(state="recovering")], "alerts: no_worker", id="not over yet"),
    ],
)
def test_while_something_is_wrong_the_ping_is_withheld(watcher, prepare, why):
    prepare()

    assert watcher_ping.run(T0) == "withheld"
    assert watcher.asked == []
    assert watcher_ping.problem(T0).startswith(why)


def test_without_a_url_nothing_is_requested(settings):
    evaluated()

    assert watcher_ping.run(T0) == "not set"


@pytest.mark.parametrize("trouble", ["nobody listens", "an error", "no such host"])
def test_an_unreachable_watcher_raises_nothing_and_its_secret_is_not_logged(watcher, settings, caplog, capfd, trouble):
    evaluated()
    watcher.status = 500
    if trouble == "nobody listens":
        settings.SCANNER_PING_URL = f"http://127.0.0.1:{free_port()}/{SECRET}"
    elif trouble == "no such host":
        settings.SCANNER_PING_URL = f"http://{SECRET}.invalid/"

    with caplog.at_level("DEBUG", logger="scanner_app"):
        assert watcher_ping.run(T0) == "failed"

    assert "ping_failed" in caplog.text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    assert SECRET not in Evaluation.objects.get().ping_answer


def test_a_watcher_that_never_answers_costs_its_timeout_alone(settings, deaf_port, monkeypatch):
    evaluated()
    monkeypatch.setattr(watcher_ping, "TIMEOUT_S", 0.1)
    settings.SCANNER_PING_URL = f"http://127.0.0.1:{deaf_port}/"

    assert watcher_ping.run(T0) == "failed"
    assert ping_watcher.time_limit == PING_LIMIT_S


@pytest.mark.parametrize("url", ["ftp://x.example/secret", "secret", "http://"])
def test_an_invalid_url_stops_the_start_without_being_shown(url):
    with pytest.raises(env.BadSetting) as refused:
        env.read({"SCANNER_PING_URL": url})

    assert str(refused.value) == "SCANNER_PING_URL=(hidden): must be an address that begins with http:// or https://"
