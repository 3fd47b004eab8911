"""Who may do what. Reading is for whoever is signed in; staff may do everything."""

from django.conf import settings
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

MayRead = IsAuthenticated


class MayReadStatus(IsAuthenticated):
    """Whoever is signed in, and everybody where SCANNER_PUBLIC_STATUS says so."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the status may be read."""
        return settings.SCANNER_PUBLIC_STATUS or super().has_permission(request, view)


class _Allowed(BasePermission):
    """Staff, and those to whom the admin granted `permission`."""

    permission: str

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Whether the user is staff or has the permission. Who is not signed in is and has neither."""
        return bool(request.user.is_staff or request.user.has_perm(self.permission))


class MayWriteBars(_Allowed):
    """Sending bars."""

    permission = "scanner_app.add_bar"


class MayOperate(_Allowed):
    """Operators' acts."""

    permission = "scanner_app.operate_symbol"
