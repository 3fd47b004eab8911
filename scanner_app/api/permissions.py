"""The permissions that views require. `scanner_app.access.roles` decides which users have them."""

from django.conf import settings
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from scanner_app.access.roles import May

MayRead = IsAuthenticated
"""Every user who is signed in may read."""


class MayReadStatus(IsAuthenticated):
    """Reading the status: every user who is signed in; everybody if SCANNER_PUBLIC_STATUS is set."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the status may be read."""
        return settings.SCANNER_PUBLIC_STATUS or super().has_permission(request, view)


class MayWriteBars(BasePermission):
    """Sending bars."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Whether the user may send bars."""
        return May(request.user).send_bars


class MayOperate(BasePermission):
    """Operators' actions."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Whether the user may do operators' actions."""
        return May(request.user).operate
