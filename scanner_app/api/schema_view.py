"""`/api/schema/`: the OpenAPI schema, which needs no user.

It is written once in a process for each form of it. To write it takes most of a second of a core, so that some clients
that asked again and again would keep the bars waiting.
"""

from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

_writing = Lock()
_written: dict[str, str | bytes] = {}  # by media type


class SchemaView(SpectacularAPIView):
    """The schema as YAML or JSON, as the client accepts it."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *_: Any, **__: Any) -> HttpResponse:
        """The schema. Nothing in the request but `Accept` and `format` changes it."""
        renderer = request.accepted_renderer
        with _writing:  # of many who ask first, one writes it
            if renderer.media_type not in _written:
                schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
                _written[renderer.media_type] = renderer.render(schema, renderer_context={})
            text = _written[renderer.media_type]
        kind = renderer.media_type + (f"; charset={renderer.charset}" if renderer.charset else "")
        name = f"{settings.SPECTACULAR_SETTINGS['TITLE']}.{renderer.format}"
        return HttpResponse(text, content_type=kind, headers={"Content-Disposition": f'inline; filename="{name}"'})
