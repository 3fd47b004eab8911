"""Who may do what, as `scanner_app.access.roles` says. Reading is for whoever is signed in."""

from django.conf import settings
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from scanner_app.access.roles import May

MayRead = IsAuthenticated


class MayReadStatus(IsAuthenticated):
    """Whoever is signed in, and everybody where SCANNER_PUBLIC_STATUS says so."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the status may be read."""
        return settings.SCANNER_PUBLIC_STATUS or super().has_permission(request, view)


class MayWriteBars(BasePermission):
    """Sending bars."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Whether the user may send bars."""
        return May(request.user).send_bars


class MayOperate(BasePermission):
    """Operators' acts."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Whether the user may do operators' acts."""
        return May(request.user).operate
