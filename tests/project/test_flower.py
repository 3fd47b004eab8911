"""Flower as the scanner runs it: who may see it, and what it shows of a bar's task."""

from base64 import b64encode

import pytest
from celery.events.state import Task
from tornado.httputil import HTTPHeaders, HTTPServerRequest

from scanner_app.messaging import task_names
from scanner_project import flower

ADMIN = ["admin:pässword"]


def basic(text):
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "credentials", "let_in"),
    [
        pytest.param(basic("admin:pässword"), ADMIN, True, id="the right password"),
        pytest.param(basic("admin:password"), ADMIN, False, id="a wrong one"),
        pytest.param(basic("admin:"), ADMIN, False, id="an empty one"),
        pytest.param("", ADMIN, False, id="no header"),
        pytest.param("Basic", ADMIN, False, id="no credentials in the header"),
        pytest.param("Basic ***", ADMIN, False, id="no base64"),
        pytest.param("Bearer " + b64encode(b"admin:x").decode(), ["admin:x"], False, id="another scheme"),
        pytest.param(basic(":"), [], False, id="Flower without a password is open to nobody"),
    ],
)
def test_only_the_right_password_lets_in(header, credentials, let_in):
    assert flower.signed_in(header, credentials) is let_in


def task(**values):
    fields = {"name": task_names.PROCESS_HEAD, "args": "TSLA 1d 2024-01-01T00:00:00Z #7 attempt 4"}
    return Task(uuid="BTC%2FUSD-7-e2", **{**fields, **values})


@pytest.mark.parametrize(
    ("uuid", "page"),
    [
        ("BTC%2FUSD-7-e2", "/bars/of/BTC%2FUSD/7/"),
        ("A-1-e3-12-e0-control", "/bars/of/A-1-e3/12/"),
        ("5f1c0000-aaaa-bbbb-cccc-000000000000", None),
    ],
)
def test_the_task_of_a_bar_names_its_page(settings, uuid, page):
    settings.PUBLIC_URL = "https://scanner.example"

    assert flower.bar_page(uuid) == (page and f"https://scanner.example{page}")


def test_a_task_shows_the_later_moment_of_its_own_time_and_the_breakers(settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    shown = f"{task().args}, due 2026-11-29T10:00:30Z"

    later = flower.format_task(task(args=shown, eta="2026-11-29T10:00:04+00:00"))
    same = flower.format_task(task(eta="2026-11-29T10:00:04+00:00"))

    assert later.eta == "2026-11-29T10:00:30+00:00"
    assert later.args == f"{shown} http://127.0.0.1:8000/bars/of/BTC%2FUSD/7/"
    assert same.eta == "2026-11-29T10:00:04+00:00"


def test_a_delivery_that_waits_for_the_breaker_is_no_success_of_its_bar():
    assert flower.format_task(task(state="SUCCESS", result="'deferred'")).state == "RETRY"
    assert flower.format_task(task(state="SUCCESS", result="'completed'")).state == "SUCCESS"


def test_other_tasks_stay_as_they_are():
    assert flower.format_task(task(name="scanner.sweep", args="()")).args == "()"


def finished(body, content_type="text/html; charset=UTF-8"):
    headers = HTTPHeaders({"Content-Type": content_type, "Content-Length": str(len(body))})
    return flower.Finish(HTTPServerRequest(uri="/")).transform_first_chunk(200, headers, body, True)


def test_every_answer_forbids_frames_and_links_the_addresses_of_bars(settings):
    settings.PUBLIC_URL = "https://scanner.example"

    _, headers, body = finished(b"<code>TSLA #7 https://scanner.example/bars/of/BTC%2FUSD/7/</code>")

    page = b"https://scanner.example/bars/of/BTC%2FUSD/7/"
    assert body == b'<code>TSLA #7 <a href="' + page + b'">' + page + b"</a></code>"
    assert headers["Content-Length"] == str(len(body))
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    "text", ["https://evil.example/bars/of/X/7/", 'https://scanner.example/bars/of/"onclick="/7/', "nothing"]
)
def test_nothing_else_becomes_a_link(settings, text):
    settings.PUBLIC_URL = "https://scanner.example"

    assert finished(text.encode())[2] == text.encode()
