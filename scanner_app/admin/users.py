"""Users. Administrators manage them, but can't make themselves or others superusers."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

from scanner_app.models import Hook, Rule, WatchList

STAFF = (
    "Opens all of the scanner, but no users. Readers, operators and administrators enter this site without it: "
    "by their group."
)
"""Help text of the flag "Staff status". Django's own says that only the flag lets users sign in here, which is wrong
for this site."""

OWN = (Hook, Rule, WatchList)
"""What goes with its user: that its own pages delete nothing must not keep a user from being deleted."""

admin.site.unregister(User)


@admin.register(User)
class ScannerUserAdmin(UserAdmin[User]):
    """Django's admin of users, restricted: there, anyone who may change users can make any of them a superuser."""

    list_display = ("username", "email", "roles", "is_active", "is_staff", "last_login")
    list_filter = ("groups", "is_active", "is_staff", "is_superuser")

    def get_queryset(self, request: HttpRequest) -> Any:
        """The users with their groups, which take one query for the whole page."""
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Django's form field, with our help text for the staff flag."""
        if db_field.name == "is_staff":
            kwargs["help_text"] = STAFF
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        """The groups' names."""
        if user.is_superuser:
            return "superuser"
        return ", ".join(sorted(group.name for group in user.groups.all()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only superusers can make superusers, or give permissions other than the roles."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Others can't change superusers: who sets a superuser's password can sign in as one."""
        return super().has_change_permission(request, obj) and _not_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Others can't delete superusers."""
        return super().has_delete_permission(request, obj) and _not_above(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What would be deleted with these users, without asking for a permission that nobody has."""
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)
        return shown, counts, needed - {model._meta.verbose_name for model in OWN}, protected  # noqa: SLF001 - public


def _not_above(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or bool(request.user.is_superuser)
