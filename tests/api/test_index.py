"""The API's own address: what `make up` prints."""

import pytest

from scanner_app.api.index import ASKED_FOR_A_SYMBOL
from scanner_app.api.urls import VIEWSETS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("prefix", ["/api/v1/scanner", "/api/scanner"])
@pytest.mark.parametrize("end", ["", "/"])
def test_it_names_every_read_and_the_documentation_for_everybody(client, prefix, end):
    answer = client.get(prefix + end)

    assert answer.status_code == 200
    assert set(answer.json()) == {*VIEWSETS, "docs", "schema"} - ASKED_FOR_A_SYMBOL
    assert answer.json()["bars"] == f"http://testserver{prefix}/bars"


def test_every_address_in_it_answers(client, admin_user):
    client.force_login(admin_user)

    for name, address in client.get("/api/v1/scanner/").json().items():
        assert client.get(address).status_code == 200, name


def test_it_is_for_reading(client, admin_user):
    client.force_login(admin_user)

    assert client.post("/api/v1/scanner/").status_code == 405
