"""JSON in: what DRF's parser lets through to become an error 500 or a full memory, refused."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from scanner_app.api.errors import TooLarge

MAX_BODY_BYTES = 10_000_000
"""Ten times what 5,000 bars take. The whole body is in memory while it is parsed."""


class BoundedJSONParser(JSONParser):
    """JSON of at most MAX_BODY_BYTES; NaN and Infinity are none."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises ParseError (400) or TooLarge (413)."""
        size = int((parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0)
        if size > MAX_BODY_BYTES:
            raise TooLarge(f"A body may have {MAX_BODY_BYTES} bytes, not {size}.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
