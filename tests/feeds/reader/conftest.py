"""What the tests of the reader share: files of bars, written and opened."""

import pytest

from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.options import Options


@pytest.fixture
def write(tmp_path):
    """Write a file of text or bytes; return its path."""

    def write(content, name="ACME.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def read(write):
    """Write a file and open it; return the one feed in it."""

    def read(content, name="ACME.csv", **options):
        (feed,) = open_feeds(write(content, name), Options(**options))
        return feed

    return read
