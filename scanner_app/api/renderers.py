"""Answers as JSON: without REST framework's serializers, and from views that also give files."""

from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scanner_app.reading.encoding import as_json


class QuickJSONRenderer(JSONRenderer):
    """Renders plain values, without a serializer: the serializer only describes the schema. Never indented."""

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """The answer's body."""
        return b"" if data is None else as_json(data)


class JSONButFiles(APIView):
    """A view that also gives files, which it makes itself. Whatever else it answers, errors too, is JSON."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer; as JSON, unless it is a file."""
        if isinstance(response, Response):
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)
