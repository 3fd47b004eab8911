"""What follows when users change: their tokens end with their password, and the security log says who changed what.

Connected to Django's signals, since users are changed in many places: admin, commands, Django's own views.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.http import HttpRequest

from scanner_app.accounts import tokens
from scanner_app.telemetry import security_log

FLAGS = ("is_active", "is_staff", "is_superuser")


def connect() -> None:
    """Begin to listen. To be called once, when the models are there."""
    pre_save.connect(_compare, sender=User)
    post_save.connect(_after, sender=User)
    post_delete.connect(_deleted, sender=User)
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_rights, sender=through)
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)


def _compare(instance: User, raw: bool, update_fields: Any, **_: Any) -> None:
    """Keep for `_after` what this save changes. Signing in, which saves its time alone, costs no query."""
    instance._scanner_changes = {}  # type: ignore[attr-defined] # noqa: SLF001 - from one signal to the next
    watched = {"password", *FLAGS} & set(update_fields if update_fields is not None else ("password", *FLAGS))
    if raw or instance.pk is None or not watched:
        return
    if (before := User.objects.filter(pk=instance.pk).values(*watched).first()) is None:
        return
    changes = {
        name: getattr(instance, name) for name in FLAGS if name in watched and before[name] != getattr(instance, name)
    }
    # Django stores a password's hash anew when its settings have become stronger. It is still the same password, and
    # the one case in which the user object has a new hash without having been given a password.
    given = getattr(instance, "_password", None) is not None or not instance.has_usable_password()
    if "password" in watched and before["password"] != instance.password and given:
        changes["password"] = "changed"  # noqa: S105 - the word for the log
    instance._scanner_changes = changes  # type: ignore[attr-defined] # noqa: SLF001


def _after(instance: User, created: bool, **_: Any) -> None:
    name = instance.get_username()
    if created:
        flags = {flag: True for flag in FLAGS if getattr(instance, flag)}
        security_log.note("user_made", user=name, **flags)
        return
    changes: dict[str, Any] = getattr(instance, "_scanner_changes", {})
    if not changes:
        return
    security_log.note("user_changed", user=name, **changes)
    if "password" in changes or changes.get("is_active") is False:
        why = "password changed" if "password" in changes else "user disabled"
        tokens.revoke(instance.api_tokens.select_related("user"), why=why)
        instance.known_addresses.all().delete()


def _deleted(instance: User, **_: Any) -> None:
    security_log.note("user_deleted", user=instance.get_username())


def _rights(instance: Model, action: str, model: type[Model], pk_set: set[int] | None, reverse: bool, **_: Any) -> None:
    """Groups or permissions of a user, or permissions of a group."""
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    others = model._default_manager.all() if pk_set is None else model._default_manager.filter(pk__in=pk_set)  # noqa: SLF001
    if action == "pre_clear":
        names = ["all"]
    elif not (names := [_name(one) for one in others]):
        return
    what: dict[str, Any] = {"granted" if action == "post_add" else "taken": names, "reverse": reverse}
    security_log.note("rights_changed", of=_name(instance), **what)


def _name(row: Model) -> str:
    if isinstance(row, Permission):
        return f"permission {row.content_type.app_label}.{row.codename}"
    return f"group {row.name}" if isinstance(row, Group) else f"user {row}"


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    security_log.note("signed_in", user=user.get_username(), door=request.path)


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        security_log.note("signed_out", user=user.get_username())
