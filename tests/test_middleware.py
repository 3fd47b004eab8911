"""A request's id: taken or made, answered, and on its way with the bar."""

import re
import uuid

import pytest
import structlog
from django.test import Client

from scanner_app.models import Bar
from scanner_app.telemetry import request_id
from tests.conftest import raw_bar
from tests.project.test_logs import listen  # noqa: F401 - a fixture

BARS = "/api/v1/scanner/bars"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(str(uuid.UUID(int=1)), id="a UUID"),
        pytest.param("a" * 64, id="64 characters"),
        pytest.param("Root=1-67891233-abcdef012345678912345678", id="a load balancer's"),
        pytest.param("7", id="a number"),
    ],
)
def test_an_id_that_is_given_is_answered(client, given):
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="an empty one"),
        pytest.param("a" * 65, id="a long one"),
        pytest.param("a b", id="a space"),
        pytest.param("a\nb", id="a line break"),
        pytest.param('"}{', id="what JSON means something by"),
        pytest.param("ä", id="a letter that is not ASCII"),
        pytest.param("-a", id="a dash first"),
    ],
)
def test_any_other_is_replaced_by_a_new_one(client, given):
    headers = {} if given is None else {"X-Request-ID": given}

    answers = [client.get("/healthz", headers=headers)["X-Request-ID"] for _ in range(2)]

    assert all(re.fullmatch("[0-9a-f]{32}", answer) for answer in answers)
    assert answers[0] != answers[1]


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/static/nowhere.css", "/admin"])
def test_every_answer_has_one(client, db, path):
    assert client.get(path, headers={"X-Request-ID": "mine"})["X-Request-ID"] == "mine"


def test_an_error_of_ours_has_the_id_in_its_answer_and_in_the_line_with_its_traceback(listen, monkeypatch):  # noqa: F811
    def broken(_request):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("django.core.handlers.base.BaseHandler._get_response", lambda _self, request: broken(request))
    lines = listen()

    answer = Client(raise_request_exception=False).get("/healthz", headers={"X-Request-ID": "mine"})

    assert (answer.status_code, answer["X-Request-ID"]) == (500, "mine")
    (error,) = [line for line in lines.parsed() if line["level"] == "error"]
    assert error["request_id"] == "mine"
    assert error["exception"].endswith("ZeroDivisionError: a bug")


def test_the_bars_of_a_request_carry_its_id(client, admin_user):
    client.force_login(admin_user)
    bars = [raw_bar(day=day) for day in range(2)]

    answer = client.post(BARS, bars, content_type="application/json", headers={"X-Request-ID": "feed-7"})

    assert answer.status_code == 202
    assert set(Bar.objects.values_list("request_id", flat=True)) == {"feed-7"}


def test_a_request_that_may_change_something_is_a_line_and_one_that_reads_is_none(client, admin_user, listen):  # noqa: F811
    client.force_login(admin_user)
    lines = listen()

    client.get("/healthz")
    client.post(BARS, raw_bar(), content_type="application/json", headers={"X-Request-ID": "feed-7"})

    (line,) = [line for line in lines.parsed() if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", BARS, 202)
    assert (line["request_id"], line["level"]) == ("feed-7", "info")
    assert line["ms"] > 0


def test_nothing_of_a_request_is_left_for_the_next_one(client):
    client.get("/healthz", headers={"X-Request-ID": "mine"})

    assert structlog.contextvars.get_contextvars() == {}
    assert request_id.current() is None
