"""Temporary files: parts of one file, and rows that are walked backwards."""

import gzip
import io

import pytest

from scanner_app.feeds.reader import spool
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.spool import RowSpool, Spool


def test_streams_in_one_spool_are_read_side_by_side():
    holder = Spool("x", None)
    opened = [holder.add(io.BytesIO(letter * 3_000_000)) for letter in (b"a", b"b")]

    files = [open_() for open_, _ in opened]

    assert [size for _, size in opened] == [3_000_000, 3_000_000]
    for _ in range(3):
        assert [file.read(900_000) for file in files] == [b"a" * 900_000, b"b" * 900_000]
    assert [len(file.read()) for file in files] == [300_000, 300_000]
    files[1].seek(-1, io.SEEK_END)
    assert files[1].read() == b"b"


@pytest.mark.parametrize("count", [0, 1, spool.BLOCK_ROWS, 3 * spool.BLOCK_ROWS + 7])
def test_rows_are_walked_both_ways_and_again(count):
    rows = RowSpool()
    for number in range(count):
        rows.add((number, (str(number), None, 1.5)))

    walked = [number for number, _ in rows.rows()]

    assert walked == list(range(count))
    assert [number for number, _ in rows.rows(backwards=True)] == walked[::-1]
    assert [number for number, _ in rows.rows()] == walked
    assert rows.count == count


def test_a_full_disk_is_a_sentence(monkeypatch, write):
    class Full:
        def seek(self, _place):
            pass

        def write(self, _data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: Full())

    with pytest.raises(FeedError, match="No space left on device"):
        open_feeds(write(gzip.compress(b"Date,Open\n"), "x.gz"))
