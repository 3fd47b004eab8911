"""First stage: what kind of file it is, by its content, and the files packed in it.

Whatever can be read only once (standard input, gzip, members of a zip) is copied to a temporary file,
because the reader walks its data more than once.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Literal, cast

import pyarrow as pa

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.spool import Spool

Kind = Literal["text", "json", "parquet", "arrow"]

STDIN: Final = "-"

READ_ERRORS: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)
"""What the libraries raise when a file is damaged or cannot be read."""

MEMBERS: Final = 20_000
"""Files in one archive, at most."""

_PACKED: Final[dict[bytes, str]] = {
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip

_FOREIGN: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook; save the sheet as CSV"),
    (b"%PDF", "is a PDF"),
    (b"SQLite format 3", "is an SQLite database; export its table as CSV"),
    (b"\x89HDF", "is an HDF5 file; export it as Parquet or CSV"),
    (b"\x89PNG", "is a picture"),
    (b"DBN", "is Databento's binary form; convert it to CSV (`dbn --csv`)"),
    (b"FEA1", "is a Feather file of the first version; write it with a newer pyarrow"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it"),
    (b"Rar!", "is a RAR archive; unpack it"),
    (b"\x93NUMPY", "is a NumPy array; write it as CSV or Parquet, with its times"),
    (b"\x80\x04\x95", "is a Python pickle; write it as Parquet or CSV"),
    (b"\x80\x05\x95", "is a Python pickle; write it as Parquet or CSV"),
)
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype html|html|\?xml|table[ >])", re.IGNORECASE)
_SUFFIXES = re.compile(
    r"\.(?:csv|txt|tsv|tab|asc|prn|json|jsonl|ndjson|parquet|pq|feather|arrow|ipc|gz|zip|bz2|xz|zst)$", re.IGNORECASE
)
_NOT_DATA = re.compile(
    r"(?:^|/)(?:__MACOSX/|\.)|\.(?:pdf|md|html?|checksum|sha256|md5|png|jpe?g|xml)$|(?:^|/)readme", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of data, unpacked. `open` gives it from its beginning, as often as wanted.

    `name` is for messages; `stems` are the file's names without folder and suffixes, the innermost first.
    """

    name: str
    stems: tuple[str, ...]
    folder: str
    kind: Kind
    packing: str
    open: Callable[[], IO[bytes]]
    size: int


def open_parts(source: Path) -> list[Part]:
    """Return the files of data in a file, `-` being standard input.

    Raises FeedError if there is none, or if it cannot be read.
    """
    name = str(source)
    if name == STDIN:
        opened, size = Spool("standard input", None).add(sys.stdin.buffer)
        return _parts("standard input", opened, size, stems=(), folder="", packing="")
    try:
        if not source.is_file():
            if not source.exists():
                raise FeedError(f"{name}: no such file")
            if source.is_dir():
                raise FeedError(f"{name}: cannot be read: it is a folder")
            with source.open("rb") as stream:  # a pipe, /dev/stdin
                opened, size = Spool(name, None).add(stream)
        else:
            opened, size = (lambda: source.open("rb")), source.stat().st_size
            with opened():
                pass
        folder = str(source.resolve().parent)
        return _parts(name, opened, size, stems=(_stem(source.name),), folder=folder, packing="")
    except READ_ERRORS as exc:
        raise FeedError(f"{name}: cannot be read: {exc}") from exc


def _parts(
    name: str, opened: Callable[[], IO[bytes]], size: int, *, stems: tuple[str, ...], folder: str, packing: str
) -> list[Part]:
    if not size:
        raise FeedError(f"{name}: is empty")
    with opened() as file:
        head = file.read(4096)
    packed = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
    if packed is not None or head.startswith(b"PK\x03\x04"):
        if "," in packing:
            raise FeedError(f"{name}: is packed three times; unpack it")
        packing = f"{packing}, " if packing else ""
        if packed is None:
            return _members(name, opened, size, stems=stems, folder=folder, packing=f"{packing}zip")
        with opened() as file:
            inner, inner_size = Spool(name, size).add(_unpacking(packed, file))
        return _parts(name, inner, inner_size, stems=stems, folder=folder, packing=f"{packing}{packed}")
    part = Part(
        name=name, stems=stems, folder=folder, kind=_kind(name, head), packing=packing, open=opened, size=size
    )  # fmt: skip
    return [part]


def _unpacking(packed: str, file: IO[bytes]) -> IO[bytes]:
    if packed == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if packed == "bzip2":
        return cast("IO[bytes]", bz2.BZ2File(file))
    if packed == "xz":
        return cast("IO[bytes]", lzma.LZMAFile(file))
    stream: Any = pa.CompressedInputStream(pa.PythonFile(file), "zstd")
    return cast("IO[bytes]", stream)


def _kind(name: str, head: bytes) -> Kind:
    """Tell the kind of unpacked data by its first bytes. Raises FeedError for what is known to be something else."""
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise FeedError(f"{name}: {what}")
    if head[257:262] == b"ustar":
        raise FeedError(f"{name}: is a tar archive; unpack it")
    if _WEB_PAGE.match(head):
        raise FeedError(f"{name}: is a web page, not a file of prices; was the download refused?")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "replace").lstrip("\ufeff \r\n\t").encode()
    return "json" if text[:1] in {b"{", b"["} else "text"


def _members(
    name: str, opened: Callable[[], IO[bytes]], size: int, *, stems: tuple[str, ...], folder: str, packing: str
) -> list[Part]:
    spool = Spool(name, size)
    found: list[Part] = []
    with opened() as file, zipfile.ZipFile(file) as archive:
        for info in _data_members(name, archive):
            inside = f"{name}:{info.filename}"
            try:
                with archive.open(info) as stream:
                    inner, inner_size = spool.add(stream)
            except (NotImplementedError, RuntimeError) as exc:  # a method of packing, a password
                raise FeedError(f"{inside}: cannot be read: {exc}") from exc
            if inner_size:
                names = (_stem(PurePosixPath(info.filename).name), *stems)
                found += _parts(inside, inner, inner_size, stems=names, folder=folder, packing=packing)
    if not found:
        raise FeedError(f"{name}: is an archive without a file of prices")
    return found


def _data_members(name: str, archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yield the members that may be data, in order of their names."""
    infos = archive.infolist()
    if len(infos) > MEMBERS:
        raise FeedError(f"{name}: has {len(infos):,} members; at most {MEMBERS:,} are read")
    if any(info.filename == "[Content_Types].xml" for info in infos):
        raise FeedError(f"{name}: is an Excel workbook; save the sheet as CSV")
    if {"mimetype", "content.xml"} <= {info.filename for info in infos}:
        raise FeedError(f"{name}: is an OpenDocument file; save the sheet as CSV")
    tables = {_stem(info.filename) for info in infos if info.filename.lower().endswith(".csv")}
    for info in sorted(infos, key=lambda each: each.filename):
        if info.filename.lower().endswith(".txt") and _stem(info.filename) in tables:
            continue  # what HistData says of the CSV beside it
        if not info.is_dir() and not _NOT_DATA.search(info.filename):
            yield info


def _stem(name: str) -> str:
    """Return a file's name without its suffixes: `BRK.B.csv.gz` is BRK.B."""
    while (shorter := _SUFFIXES.sub("", name)) != name and shorter:
        name = shorter
    return name


def buffered(file: IO[bytes]) -> io.BufferedReader:
    """Return a file that pyarrow and TextIOWrapper take."""
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))
