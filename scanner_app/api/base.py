"""What the viewsets have in common."""

from typing import Any

from rest_framework import mixins
from rest_framework.permissions import BasePermission
from rest_framework.viewsets import GenericViewSet

from scanner_app.api.pagination import NewestFirst
from scanner_app.api.parsers import SafeJSONParser
from scanner_app.api.permissions import MayRead


class PermissionsByAction:
    """Permissions that depend on the action; whatever is not named is for whoever may read."""

    permissions: dict[str, type[BasePermission]] = {}

    def get_permissions(self) -> list[BasePermission]:
        """The permission that the present action needs."""
        # None while a method is refused that the view does not have
        action_name = getattr(self, "action", None) or ""
        return [self.permissions.get(action_name, MayRead)()]


class ListViewSet(PermissionsByAction, mixins.ListModelMixin, GenericViewSet[Any]):
    """A list of rows, newest first."""

    pagination_class = NewestFirst
    parser_classes = [SafeJSONParser]
