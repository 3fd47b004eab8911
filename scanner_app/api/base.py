"""The base classes of the viewsets."""

from typing import Any

from rest_framework import mixins
from rest_framework.permissions import BasePermission
from rest_framework.viewsets import GenericViewSet

from scanner_app.api.pagination import NewestFirst
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayRead


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
