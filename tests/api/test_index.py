"""The index at the API's own address, which `make up` prints."""

import pytest

from scanner_app.api.index import NEED_A_SYMBOL
from scanner_app.api.urls import VIEWSETS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("prefix", ["/api/v1/scanner", "/api/scanner"])
@pytest.mark.parametrize("end", ["", "/"])
def test_the_index_names_every_resource_and_the_documentation_without_a_user(client, prefix, end):
    answer = client.get(prefix + end)

    assert answer.status_code == 200
    assert set(answer.json()) == {*VIEWSETS, "docs", "schema"} - NEED_A_SYMBOL
    assert answer.json()["bars"] == f"http://testserver{prefix}/bars"


def test_every_address_in_the_index_answers(client, admin_user):
    client.force_login(admin_user)

    for name, address in client.get("/api/v1/scanner/").json().items():
        assert client.get(address).status_code == 200, name


def test_the_index_allows_only_reading(client, admin_user):
    client.force_login(admin_user)

    assert client.post("/api/v1/scanner/").status_code == 405
