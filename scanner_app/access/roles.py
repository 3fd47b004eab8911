"""Who may do what. API, pages and admin all ask here, so that they agree. See docs/roles.md.

Reader, operator and administrator are groups, made by a migration. Staff may do everything that the scanner offers;
only administrators manage users.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest

READ = "scanner_app.view_symbol"
"""Stands for reading all of the scanner's models: a user may read all of them or none."""

OPERATE = "scanner_app.operate_symbol"
SEND_BARS = "scanner_app.add_bar"


@dataclass(frozen=True, slots=True)
class May:
    """What a user may do. A user who is not signed in, or not active, may do nothing."""

    user: User | AnonymousUser | AbstractBaseUser

    def _has(self, *permissions: str) -> bool:
        user = self.user
        if not isinstance(user, User):
            return False
        return user.is_active and (user.is_staff or any(user.has_perm(one) for one in permissions))

    @property
    def enter_admin(self) -> bool:
        """May see the scanner's pages of the admin. To act there needs `operate`."""
        return self._has(READ, OPERATE)

    @property
    def open_flower(self) -> bool:
        """Sees the link to Flower. Flower asks for ADMIN_USER's password, which readers and operators don't have."""
        return isinstance(self.user, User) and self.user.is_active and (self.user.is_staff or self.user.is_superuser)

    @property
    def operate(self) -> bool:
        """May take operators' actions."""
        return self._has(OPERATE)

    @property
    def send_bars(self) -> bool:
        """May send bars."""
        return self._has(SEND_BARS)


def for_templates(request: HttpRequest) -> dict[str, May]:
    """Context processor, so that every template can ask `{% if may.operate %}`."""
    return {"may": May(request.user)}
