"""`board`: fields, ETag, compression, permissions."""

import gzip
import json
import re

import pytest

from scanner_app.api.board import BoardOut, BoardRowOut
from scanner_app.domain.enums import AlertState
from scanner_app.models import Alert
from scanner_app.reading.board import Board
from tests.api.conftest import API
from tests.conftest import T0


@pytest.fixture(autouse=True)
def fresh_board(monkeypatch):
    monkeypatch.setattr("scanner_app.api.board.BOARD", Board())
    monkeypatch.setattr("scanner_app.api.board.PUBLIC_BOARD", Board(for_strangers=True))


def test_the_board_has_every_documented_field(reader, symbol):
    body = reader.get(f"{API}/board").json()

    assert set(body) == set(BoardOut().fields)
    assert set(body["symbols"][0]) == set(BoardRowOut().fields)


def test_an_unchanged_board_is_not_sent_again(reader, symbol):
    first = reader.get(f"{API}/board")

    again = reader.get(f"{API}/board", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_the_board_is_compressed_for_clients_that_accept_gzip(reader, symbol):
    packed = reader.get(f"{API}/board", headers={"Accept-Encoding": "gzip, br"})
    plain = reader.get(f"{API}/board")

    assert packed["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain
    assert plain.json() == json.loads(gzip.decompress(packed.content))
    assert "Accept-Encoding" in packed["Vary"]


def test_the_board_needs_the_permission_to_read_the_status(anonymous, reader, settings):
    assert anonymous.get(f"{API}/board").status_code == 401
    assert reader.get(f"{API}/board").status_code == 200

    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(f"{API}/board").status_code == 200


def test_strangers_read_neither_names_of_people_nor_of_hosts(anonymous, reader, settings, db):
    settings.SCANNER_PUBLIC_STATUS = True
    Alert.objects.create(
        rule="deaf_worker",
        severity="warning",
        state=AlertState.FIRING,
        message="main@db7.example.com is deaf.",
        began_at=T0,
        fired_at=T0,
        acknowledged_at=T0,
        acknowledged_by="olga",
    )

    public, private = (client.get(f"{API}/board") for client in (anonymous, reader))

    assert {"olga", "db7"} & set(re.findall(r"\w+", private.content.decode())) == {"olga", "db7"}
    assert {"olga", "db7"} & set(re.findall(r"\w+", public.content.decode())) == set()
    assert public.json()["alerts"][0]["message"] == "main is deaf."
    assert public.json()["alerts"][0]["acknowledged_by"] == "a user"
