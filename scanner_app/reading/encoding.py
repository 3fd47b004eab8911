"""JSON of what is large, by orjson: a tenth of what REST framework's serializers and `json` take.

Times in UTC are written as REST framework writes them. Not a number becomes null, where `json` would raise.
"""

from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

_OTHER = JSONEncoder().default  # lazy words of error answers


def as_json(value: object) -> bytes:
    """The value, which may have dataclasses, enums and times in UTC in it, and what REST framework can write.

    Raises TypeError for anything else, integers over 64 bits and keys that are not plain text among it.
    """
    return orjson.dumps(value, default=_OTHER, option=orjson.OPT_UTC_Z)


class QuickJSONRenderer(JSONRenderer):
    """Answers of values as they are, without a serializer, which then is for the schema alone. Never indented."""

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """The answer's body."""
        return b"" if data is None else as_json(data)
