"""The first administrator, and the password that Flower asks for."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import IntegrityError

from scanner_project.env import Environment

PASSWORD_FILE = "admin-password"  # noqa: S105 - the file's name
FLOWER_FILE = "flower-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who may sign in, and where the password is found."""

    user: str
    password: str  # Flower's; the administrator's too, unless `own_password`
    place: str  # where the password is: the variable or the file
    created: bool  # the administrator was made just now
    made_up: bool  # so was the password
    own_password: bool  # the administrator has another password, not known here; this one is Flower's alone


def ensure_admin(env: Environment) -> Account:
    """Make the administrator if there is none of that name; never change an existing one's password.

    The password is ADMIN_PASSWORD, or the file's, or made up. If the user exists and neither is there (the file
    is lost, or the first start had ADMIN_PASSWORD and this one has not), Flower gets a password of its own.
    """
    users = get_user_model().objects
    user = users.filter(username=env.ADMIN_USER).first()
    file = env.data_dir / PASSWORD_FILE
    if user is not None and not file.exists():
        file = env.data_dir / FLOWER_FILE
    made_up = False
    if env.ADMIN_PASSWORD:
        password, place = env.ADMIN_PASSWORD, "ADMIN_PASSWORD"
    else:
        # Kept before it is used: a start that is cut off here is gone on with by the next.
        password, made_up = _kept(file)
        place = str(file)
    created = False
    if user is None:
        with suppress(IntegrityError):  # another start was first
            users.create_superuser(env.ADMIN_USER, "", password)
            created = True
    return Account(
        user=env.ADMIN_USER,
        password=password,
        place=place,
        created=created,
        made_up=made_up,
        own_password=user is not None and not user.check_password(password),
    )


def write_flower_config(env: Environment, account: Account) -> None:
    """Give Flower its password in a file that only its owner reads: a command line is seen by everybody."""
    file = env.data_dir / "flowerconfig.py"
    file.unlink(missing_ok=True)  # an old file might have a wider mode
    with open(file, "x", opener=_private) as out:
        out.write(f"basic_auth = [{f'{account.user}:{account.password}'!r}]\n")


def _kept(file: Path) -> tuple[str, bool]:
    """The password in a file, made up and written if there is none; whether it was."""
    try:
        with open(file, "x", opener=_private) as out:
            out.write(secrets.token_urlsafe(12) + "\n")
    except FileExistsError:
        return file.read_text().strip(), False
    return file.read_text().strip(), True


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
