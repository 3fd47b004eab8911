"""`board`: fields, ETag, compression, permissions."""

import gzip
import json

import pytest

from scanner_app.api.board import BoardOut, BoardRowOut
from scanner_app.reading.board import Board
from tests.api.conftest import API


@pytest.fixture(autouse=True)
def fresh_board(monkeypatch):
    monkeypatch.setattr("scanner_app.api.board.BOARD", Board())


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
