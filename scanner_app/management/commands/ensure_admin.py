"""`manage.py ensure_admin`: the first administrator, for installations that `make up` does not start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scanner_app.management.first_admin import ensure_admin


class Command(BaseCommand):
    """Make the administrator if there is none."""

    help = (
        "Make the administrator ADMIN_USER if there is none of that name, with ADMIN_PASSWORD or a made-up "
        "password, which is printed once. An existing user's password is never changed."
    )

    def handle(self, *_args: object, **_options: Any) -> None:
        """Run the command."""
        account = ensure_admin(settings.ENV.ADMIN_USER, settings.ENV.ADMIN_PASSWORD, settings.DATA_DIR)
        if not account.created:
            self.stdout.write(f"The administrator {account.user!r} exists; nothing was changed.")
        elif account.made_up:
            self.stdout.write(
                f"Made the administrator {account.user!r} with the password {account.password} "
                f"(kept in {account.place})."
            )
        else:
            self.stdout.write(f"Made the administrator {account.user!r}; the password is in {account.place}.")
