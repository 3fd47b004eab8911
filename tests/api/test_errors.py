"""Errors have one form, also those that no view raised."""

import pytest
from django.db import InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.test import Client
from rest_framework.authentication import TokenAuthentication
from rest_framework.test import APIClient

from scanner_app.engine import ingest
from scanner_app.reading import status
from tests.api.conftest import API
from tests.conftest import raw_bar


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection closed")])
def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(feeder, monkeypatch, error):
    monkeypatch.setattr(ingest, "accept", raising(error))
    monkeypatch.setattr(status, "overview", raising(error))

    for answer in (feeder.post(f"{API}/bars", raw_bar(), format="json"), feeder.get(f"{API}/status")):
        assert answer.status_code == 503
        assert list(answer.json()) == ["detail"]
        assert int(answer["Retry-After"]) > 0


def test_a_database_that_is_away_when_the_token_is_looked_up_is_a_503_too(reader, monkeypatch):
    monkeypatch.setattr(TokenAuthentication, "authenticate_credentials", raising(OperationalError("away")))

    assert reader.get(f"{API}/status").status_code == 503


def test_a_bug_is_a_500_in_the_same_form(reader, monkeypatch):
    reader.raise_request_exception = False
    monkeypatch.setattr(status, "overview", raising(RuntimeError("secret detail")))

    answer = reader.get(f"{API}/status")

    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    assert b"secret" not in answer.content


def test_a_body_that_breaks_off_is_a_400(feeder, monkeypatch):
    monkeypatch.setattr("rest_framework.request.Request._load_data_and_files", raising(UnreadablePostError("gone")))

    answer = feeder.post(f"{API}/bars", raw_bar(), format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


@pytest.mark.parametrize("path", ["/api/nothing", f"{API}/nothing", f"{API}/symbols/A%0AB/status", "/api/"])
def test_an_address_that_there_is_not_is_a_404_in_the_same_form(reader, path):
    answer = reader.get(path)

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_outside_the_api_a_404_is_a_page(client: Client, db):
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["bars", "signals", "failures", "quarantine", "status", "symbols"])
def test_options_is_answered(staff: APIClient, name):
    assert staff.options(f"{API}/{name}").status_code == 200


def test_head_is_answered_without_a_body(reader):
    answer = reader.head(f"{API}/status")

    assert (answer.status_code, answer.content) == (200, b"")
