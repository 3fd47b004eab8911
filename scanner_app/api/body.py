"""Reading the bodies that bring bars: JSON or a bar a line, packed or not, as programs of all kinds write it."""

import codecs
import gzip
import io
import zlib
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from scanner_app.api.errors import TooLarge
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.engine.ingest import MAX_BARS

MAX_MEMBERS = 1_000
"""Parts of a gzip body: `cat a.gz b.gz` has two. Each costs some time, even if there is nothing in it."""

MAX_PIECES = 100 * MAX_BARS
"""Objects, lists and lines of a body. A few kilobytes can unpack to millions of empty ones, which take seconds and
hundreds of megabytes to read."""


class BarsParser(SafeJSONParser):
    """Reads JSON, also packed with gzip and with a byte order mark."""

    max_bytes = None

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises ParseError, TooLarge or UnsupportedMediaType."""
        context = parser_context or {}
        encoding = context["request"].headers.get("Content-Encoding", "")
        # Not read piece by piece: Django has read the whole body already, which may have 10 MB.
        body = unpacked(stream.read(), encoding).removeprefix(codecs.BOM_UTF8)
        if any(body.count(piece) > MAX_PIECES for piece in (b"{", b"[", b"\n")):
            raise too_many("more")
        return self.parse_text(body, media_type, context)

    def parse_text(self, body: bytes, media_type: str | None, context: Mapping[str, Any]) -> Any:
        """The bars of a body that is unpacked. Raises ParseError or TooLarge."""
        return super().parse(io.BytesIO(body), media_type, context)


class NDJSONParser(BarsParser):
    """Reads NDJSON: a bar a line, as a list of bars. Empty lines are skipped."""

    media_type = "application/x-ndjson"

    def parse_text(self, body: bytes, media_type: str | None, context: Mapping[str, Any]) -> Any:
        """As above; a line that cannot be read is refused by its number."""
        bars: list[Any] = []
        for number, line in enumerate(io.BytesIO(body), start=1):
            if not line.strip():
                continue
            if len(bars) == MAX_BARS:  # the others need not be read
                raise too_many("more")
            try:
                bars.append(super().parse_text(line, media_type, context))
            except ParseError as exc:
                raise ParseError(f"Line {number}: {exc.detail}") from None
        return bars


class JSONLinesParser(NDJSONParser):
    """The same by its other name."""

    media_type = "application/jsonl"


PARSERS: list[type[BaseParser]] = [BarsParser, NDJSONParser, JSONLinesParser]


def as_list(data: Any) -> list[Any]:
    """The bars of a parsed body: one bar, or a list of them. Raises ParseError or TooLarge."""
    bars = [data] if isinstance(data, dict) else data
    if not isinstance(bars, list):
        raise ParseError(f"Send a bar, or a list of 1 to {MAX_BARS:,} bars, not {type(data).__name__}.")
    if not bars:
        raise ParseError("The list is empty: send at least one bar.")
    if len(bars) > MAX_BARS:
        raise too_many(f"{len(bars):,}")
    return bars


def too_many(count: str) -> TooLarge:
    """The answer to more than MAX_BARS bars."""
    return TooLarge(f"One request may have {MAX_BARS:,} bars, not {count}.")


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding, which is gzip or none.

    Raises TooLarge as soon as it is known that it unpacks to more than an unpacked body may have: a few kilobytes
    can unpack to gigabytes. Raises ParseError for a body that is damaged, and UnsupportedMediaType.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        case _:
            known = f"Content-Encoding {encoding!r} is not understood: send gzip, or none."
            raise UnsupportedMediaType(encoding, detail=known)
    if body.count(b"\x1f\x8b\x08") > MAX_MEMBERS:  # what each part begins with; by chance it is hardly anywhere else
        raise ParseError(f"The body is said to be gzip and has more than {MAX_MEMBERS:,} parts.")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            text = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise ParseError(f"The body is said to be gzip and cannot be unpacked: {exc}") from None
    if len(text) > limit:
        raise TooLarge(f"The body may have at most {limit:,} bytes, packed and unpacked.")
    return text
