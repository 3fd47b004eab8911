"""Reading the body of `POST bars`: JSON or a bar a line, packed or not, as programs of all kinds write it."""

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


class BarsParser(SafeJSONParser):
    """Reads JSON, also packed with gzip and with a byte order mark."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises ParseError, TooLarge or UnsupportedMediaType."""
        context = parser_context or {}
        encoding = context["request"].headers.get("Content-Encoding", "")
        # Not read piece by piece: Django has read the whole body already, which may have 10 MB.
        body = unpacked(stream.read(), encoding).removeprefix(codecs.BOM_UTF8)
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
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            text = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise ParseError(f"The body is said to be gzip and cannot be unpacked: {exc}") from None
    if len(text) > limit:
        raise TooLarge(f"The body may have at most {limit:,} bytes, packed and unpacked.")
    return text
