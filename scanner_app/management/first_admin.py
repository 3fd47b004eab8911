"""The first administrator. Flower asks for the same password."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import IntegrityError

PASSWORD_FILE = "admin-password"  # noqa: S105 - the file's name
FLOWER_FILE = "flower-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The administrator's account, and where its password is found."""

    user: str
    password: str  # Flower's; the administrator's too, unless `own_password`
    place: str  # where the password is: the variable or the file
    created: bool  # the administrator was created just now
    made_up: bool  # the password was made up just now
    own_password: bool  # the administrator has set another password; `password` is Flower's alone


def ensure_admin(name: str, given_password: str, data_dir: Path) -> Account:
    """Make the administrator if there is none of that name; never change an existing one's password.

    The password is `given_password` (ADMIN_PASSWORD), or the one kept in `data_dir`, or made up. If the user exists
    and neither is there (the file is lost, or the first start had ADMIN_PASSWORD and this one has not), Flower gets a
    password of its own.
    """
    users = get_user_model().objects
    user = users.filter(username=name).first()
    file = data_dir / PASSWORD_FILE
    if user is not None and not file.exists():
        file = data_dir / FLOWER_FILE
    made_up = False
    if given_password:
        password, place = given_password, "ADMIN_PASSWORD"
    else:
        # Written before it is used: if this start is interrupted, the next one finds it.
        password, made_up = _kept(file)
        place = str(file)
    created = False
    if user is None:
        with suppress(IntegrityError):  # another start was first
            users.create_superuser(name, "", password)
            created = True
    return Account(
        user=name,
        password=password,
        place=place,
        created=created,
        made_up=made_up,
        own_password=user is not None and not user.check_password(password),
    )


def _kept(file: Path) -> tuple[str, bool]:
    """The password in a file, and whether it was made up just now because there was no such file."""
    try:
        with open(file, "x", opener=owner_only) as out:
            out.write(secrets.token_urlsafe(12) + "\n")
    except FileExistsError:
        return file.read_text().strip(), False
    return file.read_text().strip(), True


def owner_only(name: str, flags: int) -> int:
    """An opener of files that only their owner may read."""
    return os.open(name, flags, 0o600)
