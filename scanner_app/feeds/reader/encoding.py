"""Second stage: which encoding a text has, found from all of its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from scanner_app.feeds.reader.names import PRICES, field_of

SAMPLE: Final = 64 << 10
"""Bytes in which nul bytes are looked for: in UTF-16, every second one of plain text."""

_CHUNK: Final = 1 << 20

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

LATIN_1: Final = "latin-1"

_OLD: Final = (
    ("gb18030", "GBK"),
    ("cp932", "Shift JIS"),
    ("cp949", "EUC-KR"),
    ("big5", "Big5"),
    ("cp1251", "Windows-1251"),
    ("cp1250", "Windows-1250"),
    ("cp1254", "Windows-1254"),
)
"""Encodings of brokers and exchanges where Latin letters do not do."""

_HEADER_WITHIN: Final = 40
"""Lines in which the names of columns are looked for."""

_CELLS: Final = re.compile(r"""[,;\t|"']+""")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec of Python's, the name for people, and why it was taken ("" where it needs no word)."""

    codec: str
    name: str
    why: str = ""


def find_encoding(file: IO[bytes]) -> Encoding:
    """Find the encoding of a whole file, from its beginning: a mark, nul bytes, UTF-8 where all of it is valid.

    What is none of these is read as Latin-1, in which every byte means something.
    """
    head = file.read(SAMPLE)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
    if marked is not None and _fault(marked, head, file) is None:
        return Encoding(marked, "UTF-8 with a byte order mark" if marked == "utf-8-sig" else "UTF-16")
    if marked is None and (codec := _by_nuls(head)) and _fault(codec, head, file) is None:
        return Encoding(codec, "UTF-16", "read as UTF-16 without a mark, because every second byte is nul")
    file.seek(len(head))
    line = _fault("utf-8", head, file)
    if line is None:
        return Encoding("utf-8", "UTF-8")
    by_names = _by_names(head)
    if by_names is not None and _fault(by_names[0], head, _from(file, len(head))) is None:
        return Encoding(*by_names, f"read as {by_names[1]}, because the names of its columns are words in it")
    return Encoding(LATIN_1, "Latin-1", f"read as Latin-1, because line {line} is not UTF-8")


def _by_nuls(head: bytes) -> str | None:
    """Return UTF-16's codec if nearly every second byte is nul, and hardly any other."""
    pairs = len(head) // 2
    if not pairs:
        return None
    even, odd = (head[place : 2 * pairs : 2].count(0) / pairs for place in (0, 1))
    if odd > 0.8 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.8 and odd < 0.05 else None


def _by_names(head: bytes) -> tuple[str, str] | None:
    """Return the old encoding in which most names of columns are known; None if in none of them are.

    Any bytes can be read in nearly any of them, but only in the right one a line says open, high, low and close.
    """
    beginning = head[: head.rfind(b"\n") + 1] or head
    lines = beginning.splitlines()[:_HEADER_WITHIN]

    def known(codec: str) -> int:
        texts = (line.decode(codec, "replace") for line in lines)
        names = ({found[0] for cell in _CELLS.split(text) if cell and (found := field_of(cell))} for text in texts)
        return max((len(fields & {*PRICES}) for fields in names), default=0)

    codec, name = max(_OLD, key=lambda each: known(each[0]))
    return (codec, name) if known(codec) == len(PRICES) > known(LATIN_1) else None


def _from(file: IO[bytes], place: int) -> IO[bytes]:
    file.seek(place)
    return file


def _fault(codec: str, head: bytes, file: IO[bytes]) -> int | None:
    """Return the first line that cannot be decoded; None if all can."""
    decoder = codecs.getincrementaldecoder(codec)()
    lines = 1
    try:
        for chunk in _chunks(head, file):
            lines += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        return lines + exc.object[: exc.start].count(b"\n")
    return None


def _chunks(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield head
    while chunk := file.read(_CHUNK):
        yield chunk
