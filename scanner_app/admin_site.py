"""The admin's site: who may enter, and its start page.

Not in the package `admin`: Django creates the site first, and then imports that package to register the models.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from scanner_app.access.roles import May
from scanner_app.reading import admin_start_page


class SignInForm(AuthenticationForm):
    """Django's form, which lets in only staff, changed to let in everybody with a role."""

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Raise ValidationError if the user may not enter."""
        super().confirm_login_allowed(user)  # type: ignore[arg-type] # its stub knows the one user class
        if not May(user).enter_admin:
            raise forms.ValidationError("This account has no role that may enter the admin.", code="no_role")


class ScannerAdminSite(admin.AdminSite):
    """The admin, open to readers, operators, administrators and staff."""

    login_form = SignInForm

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The start page, with the overview of the scanner."""
        answer: TemplateResponse = super().index(
            request, {**admin_start_page.context(timezone.now()), **(extra_context or {})}
        )
        return answer

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user may see at least one page of it."""
        return May(request.user).enter_admin
