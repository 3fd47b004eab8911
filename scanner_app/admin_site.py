"""The admin's site: who may enter, and its start page.

Not in the package `admin`: Django creates the site first, and then imports that package to register the models.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
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


MAX_DIGITS = 19
"""Digits of the highest key that the databases have."""


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

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's wrapping of each page, with 400 for numbers and keys that are none: Django answers 500 to them."""
        inner: Callable[..., HttpResponse] = super().admin_view(view, cacheable)

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST" and not all(map(_is_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
                raise BadRequest("A chosen row's key is no number.")
            try:
                return inner(request, *args, **kwargs)
            except (OverflowError, DataError) as exc:  # SQLite's and PostgreSQL's
                raise BadRequest("A value is larger than the database can hold.") from exc

        return checked


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
