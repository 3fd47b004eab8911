"""All errors have one form, also those that do not come from a view."""

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.http import UnreadablePostError
from django.test import Client
from rest_framework.test import APIClient

from scanner_app.api.authentication import ScopedTokenAuthentication
from scanner_app.engine import ingest
from scanner_app.reading import status
from tests.api.conftest import API
from tests.conftest import raw_bar


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database is locked"),
        InterfaceError("connection closed"),
        InternalError("cannot execute UPDATE in a read-only transaction"),  # after a failover
    ],
)
def test_an_outage_of_the_database_is_a_503_with_retry_after(feeder, monkeypatch, error):
    monkeypatch.setattr(ingest, "accept", raising(error))
    monkeypatch.setattr(status, "overview", raising(error))

    for answer in (feeder.post(f"{API}/bars", raw_bar(), format="json"), feeder.get(f"{API}/status")):
        assert answer.status_code == 503
        assert list(answer.json()) == ["detail"]
        assert int(answer["Retry-After"]) > 0


def test_an_outage_of_the_database_during_authentication_is_a_503(reader, monkeypatch):
    monkeypatch.setattr(ScopedTokenAuthentication, "authenticate_credentials", raising(OperationalError("away")))

    assert reader.get(f"{API}/status").status_code == 503


def test_a_bug_is_a_500_with_a_detail_that_reveals_nothing(reader, monkeypatch):
    reader.raise_request_exception = False
    monkeypatch.setattr(status, "overview", raising(RuntimeError("secret detail")))

    answer = reader.get(f"{API}/status")

    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    assert b"secret" not in answer.content


def test_a_body_that_is_cut_off_is_a_400(feeder, monkeypatch):
    monkeypatch.setattr("rest_framework.request.Request._load_data_and_files", raising(UnreadablePostError("gone")))

    answer = feeder.post(f"{API}/bars", raw_bar(), format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


@pytest.mark.parametrize("path", ["/api/nothing", f"{API}/nothing", f"{API}/symbols/A%0AB/status", "/api/"])
def test_an_unknown_address_below_api_is_a_404_with_a_detail(reader, path):
    answer = reader.get(path)

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_an_unknown_address_elsewhere_is_a_404_page(client: Client, db):
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["bars", "signals", "failures", "quarantine", "status", "symbols"])
def test_options_is_answered(staff: APIClient, name):
    assert staff.options(f"{API}/{name}").status_code == 200


def test_head_is_answered_without_a_body(reader):
    answer = reader.head(f"{API}/status")

    assert (answer.status_code, answer.content) == (200, b"")
