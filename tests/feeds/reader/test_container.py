"""What a file is, is seen by its content, whatever it is called; what is packed in it is unpacked."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest

from scanner_app.feeds.reader import spool
from scanner_app.feeds.reader.container import open_parts
from scanner_app.feeds.reader.errors import FeedError

TEXT = b"Date,Open,High,Low,Close\n2024-01-02,1,3,0.5,2\n"


def packed_zip(**members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return raw.getvalue()


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("content", "packing"),
    [
        pytest.param(TEXT, "", id="plain"),
        pytest.param(gzip.compress(TEXT), "gzip", id="gzip"),
        pytest.param(bz2.compress(TEXT), "bzip2", id="bzip2"),
        pytest.param(lzma.compress(TEXT), "xz", id="xz"),
        pytest.param(zstd(TEXT), "zstd", id="zstd, as Databento has it"),
        pytest.param(packed_zip(a=TEXT), "zip", id="zip"),
        pytest.param(packed_zip(a=gzip.compress(TEXT)), "zip, gzip", id="gzip in a zip"),
    ],
)
def test_a_packed_file_is_unpacked_whatever_its_name_and_read_twice(write, content, packing):
    (part,) = open_parts(write(content, "prices.dat"))

    assert (part.kind, part.packing, part.size) == ("text", packing, len(TEXT))
    for _ in range(2):
        with part.open() as file:
            assert file.read() == TEXT


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        pytest.param("BRK.B.csv.gz", "BRK.B", id="dots before the suffix stay"),
        pytest.param("acme.TXT", "acme", id="a suffix in capitals"),
        pytest.param("acme.us.txt", "acme.us", id="an unknown suffix stays"),
        pytest.param("noname", "noname", id="no suffix"),
    ],
)
def test_the_stem_is_the_name_without_known_suffixes(write, name, stem):
    (part,) = open_parts(write(gzip.compress(TEXT) if name.endswith("gz") else TEXT, name))

    assert part.stems == (stem,)


def test_members_have_their_own_name_before_the_archives(write):
    parts = open_parts(write(packed_zip(**{"b/two.csv": TEXT, "a/one.csv": TEXT, "a/readme.txt": TEXT}), "all.zip"))

    assert [part.stems for part in parts] == [("one", "all"), ("two", "all")]
    assert parts[0].name.endswith("all.zip:a/one.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(gzip.compress(b""), "is empty", id="nothing, packed"),
        pytest.param(packed_zip(**{"readme.md": "x"}), "an archive without a file of prices", id="nothing of use"),
        pytest.param(gzip.compress(TEXT * 99)[:-20], "cannot be read", id="cut off"),
        pytest.param(packed_zip(a=TEXT * 99)[:-60], "cannot be read", id="a zip that is cut off"),
        pytest.param(zstd(TEXT * 99)[:-9], "cannot be read", id="zstd that is cut off"),
        pytest.param(packed_zip(**{"[Content_Types].xml": "x", "xl/a.xml": "x"}), "Excel", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "Excel", id="xls"),
        pytest.param(
            packed_zip(**{"mimetype": "x", "content.xml": "x"}), "an OpenDocument file; save the sheet", id="ods"
        ),
        pytest.param(b"\x93NUMPY\x01\x00v\x00" + bytes(99), "is a NumPy array", id="a NumPy array"),
        pytest.param(gzip.compress(bytes(257) + b"ustar" + bytes(300)), "is a tar archive; unpack it", id="tar.gz"),
        pytest.param(b'<table border="1" class="dataframe">', "is a web page", id="pandas' to_html"),
        pytest.param(b"<!DOCTYPE html><html>", "is a web page", id="a page in place of a download"),
        pytest.param(b"DBN\x01" + bytes(99), "Databento's binary form", id="DBN"),
        pytest.param(b"%PDF-1.7 ...", "is a PDF", id="a PDF"),
        pytest.param(b"PK\x03\x04" + b"\x00" * 50, "cannot be read", id="a broken zip"),
        pytest.param(gzip.compress(gzip.compress(gzip.compress(TEXT))), "packed three times", id="packed and packed"),
    ],
)
def test_what_is_no_file_of_prices_is_one_sentence_that_names_it(write, content, message):
    path = write(content, "x.csv")

    with pytest.raises(FeedError, match=message) as caught:
        open_parts(path)

    assert str(caught.value).startswith(str(path))


def test_a_password_is_a_sentence(write):
    content = bytearray(packed_zip(a=TEXT))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1  # the flag of encryption

    with pytest.raises(FeedError, match=r"x\.zip:a: cannot be read: .*encrypted"):
        open_parts(write(bytes(content), "x.zip"))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FeedError, match=r"none\.csv: no such file"):
        open_parts(tmp_path / "none.csv")
    with pytest.raises(FeedError, match="cannot be read: it is a folder"):
        open_parts(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: packed_zip(a=content)], ids=["gzip", "zip"])
def test_a_bomb_is_given_up_early(write, monkeypatch, pack):
    monkeypatch.setattr(spool, "BOMB_FROM", 1 << 20)

    with pytest.raises(FeedError, match="unpacks to more than 200 times its size"):
        open_parts(write(pack(bytes(20 << 20)), "x.csv"))


def test_standard_input_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(spool, "LARGEST", 4 << 20)
    with pytest.raises(FeedError, match="standard input: has more than"):
        spool.Spool("standard input", None).add(io.BytesIO(bytes(6 << 20)))
