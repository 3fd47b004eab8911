"""Reading JSON: bodies with which DRF's parser would cause an error 500 are refused."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from scanner_app.api.errors import TooLarge

MAX_BYTES = 100_000
"""Of a body that brings no bars. `POST auth/token` reads the body of whoever sends one, and a body of 10 MB can take
ten seconds and half a gigabyte to read: three million empty objects."""


class SafeJSONParser(JSONParser):
    """Reads JSON; NaN and Infinity are refused."""

    max_bytes: int | None = MAX_BYTES  # None: Django's DATA_UPLOAD_MAX_MEMORY_SIZE is the limit

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises ParseError or TooLarge."""
        if self.max_bytes is not None:
            length = str((parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0")
            if int(length) > self.max_bytes:
                raise TooLarge(f"The body may have at most {self.max_bytes:,} bytes.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
