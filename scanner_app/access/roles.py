"""Who may do what: API, pages and admin all ask here, so that they agree. See docs/roles.md.

Reader, operator and administrator are groups, made by a migration. Staff may do everything in the scanner except
managing users, which administrators do.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest

READ = "scanner_app.view_symbol"
"""A user may read either all of the scanner's models in the admin or none, so one permission stands for all."""

OPERATE = "scanner_app.operate_symbol"
SEND_BARS = "scanner_app.add_bar"


@dataclass(frozen=True, slots=True)
class May:
    """What a user may do. A user who is not signed in, or is inactive, may do nothing of this."""

    user: User | AnonymousUser | AbstractBaseUser

    def _has(self, *permissions: str) -> bool:
        user = self.user
        if not isinstance(user, User):
            return False
        return user.is_active and (user.is_staff or any(user.has_perm(one) for one in permissions))

    @property
    def enter_admin(self) -> bool:
        """See the scanner's pages in the admin. Actions there need `operate`."""
        return self._has(READ, OPERATE)

    @property
    def open_flower(self) -> bool:
        """See links to Flower. It asks for ADMIN_USER's password, which readers and operators do not have."""
        return isinstance(self.user, User) and self.user.is_active and (self.user.is_staff or self.user.is_superuser)

    @property
    def operate(self) -> bool:
        """Do operators' actions."""
        return self._has(OPERATE)

    @property
    def send_bars(self) -> bool:
        """Send bars."""
        return self._has(SEND_BARS)


def for_templates(request: HttpRequest) -> dict[str, May]:
    """Context processor: `{% if may.operate %}` in every template."""
    return {"may": May(request.user)}
