"""One event a line, in one form, whoever logs it; and each line of a bar's run says which bar it is about."""

import io
import json
import logging
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.domain.errors import BarFailed
from scanner_app.engine import detection, runs
from scanner_app.models import QuarantinedBar
from scanner_project import logs
from tests.conftest import T0, accept_days, live_message, new_bar


class Lines:
    """What is logged, as the root logger's handler writes it."""

    def __init__(self, form: str) -> None:
        formatter = dict(logs.logging_config(form)["formatters"]["lines"])
        self.handler = logging.StreamHandler(io.StringIO())
        self.handler.setFormatter(formatter.pop("()")(**formatter))

    @property
    def text(self) -> str:
        return self.handler.stream.getvalue()

    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line, parse_constant=pytest.fail) for line in self.text.splitlines()]


@pytest.fixture
def listen():
    """Listen to the root logger in a form."""
    listening: list[logging.Handler] = []

    def start(form: str = "json") -> Lines:
        lines = Lines(form)
        logging.getLogger().addHandler(lines.handler)
        listening.append(lines.handler)
        return lines

    yield start
    for handler in listening:
        logging.getLogger().removeHandler(handler)


class Talker:
    """A detector that logs in both ways before it does what a test wants."""

    name = "talker"
    bars_needed = 1

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def detect(self, _window):
        structlog.get_logger("detector").warning("odd", ratio=float("nan"))
        logging.getLogger("library").warning("slow by %s ms", 5)
        if self.error:
            raise self.error
        return []


@pytest.fixture
def detector(monkeypatch):
    """Let the one detector be a Talker."""

    def use(error: Exception | None = None) -> None:
        monkeypatch.setattr(detection, "chosen_detectors", lambda _paths: (Talker(error),))

    return use


def run(symbol) -> None:
    runs.through_outages(live_message(symbol), runs.process_head)


def test_every_line_of_a_run_says_whose_it_is_also_those_of_detectors_and_libraries(symbol, listen, detector):
    with bound_contextvars(request_id="from-the-feed"):
        mailbox.accept([new_bar()], now=T0)
    detector(ValueError("no good"))
    lines = listen()

    with pytest.raises(BarFailed):
        run(symbol)
    logging.getLogger("library").warning("afterwards")

    *of_the_run, afterwards = lines.parsed()
    assert [line["event"] for line in of_the_run] == ["odd", "slow by 5 ms", "bar_failed"]
    for line in of_the_run:
        about = {name: line[name] for name in ("symbol", "sequence", "timeframe", "bar_time", "attempt", "request_id")}
        assert about == {
            "symbol": "TSLA",
            "sequence": 1,
            "timeframe": "1d",
            "bar_time": "2024-01-01T00:00:00Z",
            "attempt": 1,
            "request_id": "from-the-feed",
        }
    assert not {"symbol", "sequence", "bar_time", "attempt", "request_id"} & set(afterwards)


def test_a_traceback_is_in_its_line_and_in_no_other(symbol, listen, detector):
    accept_days("TSLA", 1)
    detector(ValueError("no good"))
    lines = listen()

    with pytest.raises(BarFailed):
        run(symbol)

    failed = lines.parsed()[-1]
    assert (failed["event"], failed["level"]) == ("bar_failed", "error")
    assert failed["exception"].startswith("Traceback")
    assert failed["exception"].endswith("ValueError: no good")
    assert lines.text.count("Traceback") == 1


def test_an_outage_is_told_with_its_bar(symbol, listen, monkeypatch):
    accept_days("TSLA", 1)
    monkeypatch.setattr("scanner_app.messaging.sweep_memory.mark_outage", lambda _delivery: None)
    lines = listen()

    def away(_message):
        raise ConnectionError("server closed the connection")

    runs.through_outages(live_message(symbol), away)

    assert [(line["event"], line["symbol"], line["sequence"], line["attempt"]) for line in lines.parsed()] == [
        ("outage", "TSLA", 1, 1)
    ] * 2


def test_a_bar_of_the_backlog_has_the_id_of_its_own_request_whoever_publishes_it(symbol, listen, detector):
    for day in range(3):
        with bound_contextvars(request_id=f"request-{day}"):
            mailbox.accept([new_bar(day=day)], now=T0)
    detector()
    lines = listen()

    for _ in range(3):
        run(symbol)

    odd = [line for line in lines.parsed() if line["event"] == "odd"]
    assert [(line["sequence"], line["request_id"]) for line in odd] == [
        (1, "request-0"),
        (2, "request-1"),
        (3, "request-2"),
    ]


def test_a_bar_that_no_request_brought_has_no_id(symbol, listen, detector):
    accept_days("TSLA", 1)
    detector()
    lines = listen()

    run(symbol)

    assert {line["sequence"] for line in lines.parsed()} == {1}
    assert all("request_id" not in line for line in lines.parsed())


def test_a_corrected_or_replayed_bar_has_the_id_of_who_corrected_or_replayed_it(symbol, detector):
    with bound_contextvars(request_id="first"):
        mailbox.accept([new_bar()], now=T0)
    detector(BarUnusable("volume is missing"))
    run(symbol)
    with bound_contextvars(request_id="replay"):
        mailbox.replay(QuarantinedBar.objects.get(), by="olga", now=T0)
    assert symbol.bars.get().request_id == "replay"

    run(symbol)
    with bound_contextvars(request_id="correction"):
        mailbox.accept([new_bar(volume=5.0)], now=T0)

    assert symbol.bars.get().request_id == "correction"


@pytest.mark.parametrize("control", [False, True])
def test_the_control_run_is_no_attempt(symbol, control):
    accept_days("TSLA", 1)
    message = live_message(symbol)

    shown = type(message)(symbol_id=symbol.pk, ticker="TSLA", sequence=1, epoch=0, retries=7, control=control).logged

    assert shown["attempt"] == (7 if control else 8)


def test_json_begins_with_time_level_logger_and_event_and_is_json_whatever_is_logged(listen):
    lines = listen()

    structlog.get_logger("any").warning("odd", line="a\nb", nan=float("nan"), thing=object(), surrogate="\ud800")
    structlog.get_logger("any").warning("long", text="x" * (logs.MAX_TEXT * 3))

    odd, long = lines.parsed()
    assert list(odd)[:4] == ["timestamp", "level", "logger", "event"]
    assert odd["timestamp"].endswith("Z")
    assert (odd["line"], odd["nan"]) == ("a\nb", "nan")
    assert len(long["text"]) < logs.MAX_TEXT + 100
    assert "40,000 characters left out" in long["text"]


def test_text_is_for_people(listen):
    lines = listen("text")

    structlog.get_logger("any").warning("odd", symbol="TSLA")

    assert "[warning  ] odd" in lines.text
    assert "symbol=TSLA" in lines.text
    assert not lines.text.startswith("{")


@pytest.mark.parametrize(
    ("form", "terminal", "json_"),
    [("auto", False, True), ("auto", True, False), ("json", True, True), ("text", False, False)],
)
def test_auto_is_text_on_a_terminal_and_json_elsewhere(monkeypatch, listen, form, terminal, json_):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    lines = listen(form)

    structlog.get_logger("any").warning("odd")

    assert lines.text.startswith("{") is json_


@pytest.mark.parametrize(
    ("level", "root", "celery"),
    [("DEBUG", "DEBUG", "INFO"), ("INFO", "INFO", "WARNING"), ("WARNING", "WARNING", "WARNING"), ("ERROR",) * 3],
)
def test_the_level_is_the_settings_and_what_celery_tells_of_each_task_is_a_step_higher(level, root, celery):
    config = logs.logging_config(level=level)

    assert config["root"]["level"] == root
    assert config["loggers"]["celery.app.trace"]["level"] == celery
    assert config["loggers"]["scanner.security"]["level"] == "INFO", "who signed in is kept at every level"


@pytest.mark.django_db
def test_a_server_error_mails_nobody(settings, client, mailoutbox, monkeypatch):
    settings.ADMINS = [("ada", "ada@example.org")]
    monkeypatch.setattr("scanner_app.reading.readiness.database_ready", lambda: 1 / 0)

    assert client.get("/readyz").status_code == 503
    assert mailoutbox == []
    assert logging.getLogger("django").handlers == []


SECRET = "scanner_hook_abc-_123"


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "path", [f"/hooks/{SECRET}", f"/hooks/{SECRET}/", f"/Hooks/{SECRET}?revise=true", f"//hooks/{SECRET}"]
)
def test_no_line_has_the_address_of_a_hook_whoever_logs_it(listen, form, path):
    lines = listen(form)

    structlog.get_logger("test").warning("request", path=path)
    logging.getLogger("django.request").warning("Not Found: %s", path)
    try:
        raise ValueError(path)
    except ValueError:
        if form == "json":  # text is for a developer's terminal
            logging.getLogger("django.request").exception("Internal Server Error: %s", path)

    assert SECRET not in lines.text
    assert "ooks/" in lines.text


def test_the_apis_own_list_of_hooks_is_logged_as_it_is(listen):
    lines = listen()

    structlog.get_logger("test").warning("request", path="/api/v1/scanner/hooks/12")

    assert lines.parsed()[0]["path"] == "/api/v1/scanner/hooks/12"


def test_a_message_to_a_hook_leaves_its_address_in_no_line(listen, client, db):
    lines = listen()

    client.post(f"/hooks/{SECRET}", "{}", content_type="application/json")

    assert "/hooks/***" in lines.text
    assert SECRET not in lines.text
