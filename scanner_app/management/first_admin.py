"""The first administrator. Flower asks for the same password."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import IntegrityError

from scanner_app import files

PASSWORD_FILE = "admin-password"  # noqa: S105 - the file's name
FLOWER_FILE = "flower-password"

SHORTEST = 8
"""Characters of a password in a file. Those that are made up have 16; a shorter one was cut, or is no password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The administrator's account, and where its password is found."""

    user: str
    password: str  # Flower's; the administrator's too, unless `own_password`
    place: str  # where the password is: the variable or the file
    created: bool  # the administrator was created just now
    made_up: bool  # the password was made up just now
    own_password: bool  # the administrator has set another password; `password` is Flower's alone
    broken_file: str = ""  # a file that held no password any more


def ensure_admin(name: str, given_password: str, data_dir: Path) -> Account:
    """Make the administrator if there is none of that name; never change an existing one's password.

    The password is `given_password` (ADMIN_PASSWORD), or the one kept in `data_dir`, or made up. If the user exists
    and neither is there (the file is lost, or the first start had ADMIN_PASSWORD and this one has not), Flower gets a
    password of its own. A file that is empty, cut or garbage is as good as lost.
    """
    users = get_user_model().objects
    user = users.filter(username=name).first()
    file = data_dir / PASSWORD_FILE
    text = files.read(file)
    broken = text is not None and not _is_password(text)
    if user is not None and (text is None or broken):
        file.unlink(missing_ok=True)
        file = data_dir / FLOWER_FILE
    made_up = False
    if given_password:
        password, place = given_password, "ADMIN_PASSWORD"
    else:
        # Written before it is used: if this start is interrupted, the next one finds it.
        kept = files.keep(file, lambda: secrets.token_urlsafe(12), _is_password)
        password, made_up, place = kept.text, kept.made, str(file)
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
        broken_file=str(data_dir / PASSWORD_FILE) if broken else "",
    )


def _is_password(text: str) -> bool:
    """Whether a file's text can be a password. An empty one would let everybody into Flower."""
    return len(text) >= SHORTEST and text.isprintable()
