"""The base classes of the viewsets."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.viewsets import GenericViewSet

from scanner_app.api.pagination import NewestFirst
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayRead

ID_PATTERN = "[0-9]{1,100}"
"""An id in an address. Of one with thousands of digits Python makes no number, which would be an error 500."""


LARGEST_ID = 2**63 - 1
"""Of the database's ids: a larger number is no row's."""


class PermissionsByAction:
    """A view with one permission for each action. Actions that `permissions` does not name need MayRead."""

    permissions: dict[str, type[BasePermission]] = {}

    def get_permissions(self) -> list[BasePermission]:
        """The permission that the requested action needs."""
        # DRF has no action, or None, while it refuses a method that the view does not support.
        action_name = getattr(self, "action", None) or ""
        return [self.permissions.get(action_name, MayRead)()]


class ListViewSet(PermissionsByAction, mixins.ListModelMixin, GenericViewSet[Any]):
    """A list of rows, newest first."""

    pagination_class = NewestFirst
    parser_classes = [SafeJSONParser]

    def row_of(self, wanted: str, what: str, *, among: QuerySet[Any] | None = None) -> Any:
        """The row of this id (digits, from the address) among those that the user may read. Raises NotFound.

        `among`: other rows than those of the list.
        """
        pk = int(wanted)
        rows = self.get_queryset() if among is None else among
        row = rows.filter(pk=pk).first() if pk <= LARGEST_ID else None
        if row is None:
            raise NotFound(f"{what} {wanted} not found")
        return row
