"""Pages of the lists: newest first, by cursor, so that what arrives meanwhile shifts and repeats nothing."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response


class NewestFirst(CursorPagination):
    """`{"next", "previous", "results"}`, by id downwards. Ids are unique, so a cursor is an exact place."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1_000

    def get_page_size(self, request: Request) -> int:
        """Rows of a page: 100, or what was asked for, at most 1,000. Raises ValidationError for nonsense."""
        asked = request.query_params.get("page_size", "")
        if not asked:
            return self.page_size
        if not (asked.isdecimal() and int(asked[:10]) >= 1):
            raise ValidationError({"page_size": [f"must be a whole number from 1 to {self.max_page_size}"]})
        return min(int(asked[:10]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place to go on from. Raises ValidationError for what is no cursor of ours."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                int(cursor.position)
        except (NotFound, ValueError):
            raise ValidationError({"cursor": ["is none that this API gave out"]}) from None
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        """The three keys of the contract."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})
