"""Pages of the lists, newest first. A cursor names the place, so new rows neither shift nor repeat others."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response


class NewestFirst(CursorPagination):
    """`{"next", "previous", "results"}`, the highest id first. Ids are unique, so a cursor is an exact place."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1_000

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002 - DRF's signature
        """The parameters of every list, for the OpenAPI schema."""
        size = f"rows of a page; by default {self.page_size}, at most {self.max_page_size:,}, also if it says more"
        place = "a place in the list, from the `next` or `previous` of an answer"
        return [
            {"name": "cursor", "in": "query", "description": place, "schema": {"type": "string"}},
            {"name": "page_size", "in": "query", "description": size, "schema": {"type": "integer", "minimum": 1}},
        ]

    def get_page_size(self, request: Request) -> int:
        """Rows of a page: `page_size`, by default 100, at most 1,000. Raises ValidationError."""
        size = request.query_params.get("page_size", "")
        if not size:
            return self.page_size
        if not (size.isdecimal() and int(size[:10]) >= 1):
            raise ValidationError({"page_size": [f"must be a whole number from 1 to {self.max_page_size}"]})
        return min(int(size[:10]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place where the page begins. Raises ValidationError if the cursor is not from this API."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                int(cursor.position)
        except (NotFound, ValueError):
            raise ValidationError({"cursor": ["is not a cursor from this API"]}) from None
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        """The form of every list."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})
