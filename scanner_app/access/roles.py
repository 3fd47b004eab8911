"""Who may do what: the one place that API, pages and admin ask, so that they agree. See docs/roles.md.

Reader, operator and administrator are groups, made by a migration. Staff may do all that the
scanner has, as ever; managing users is the administrators'.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest

READ = "scanner_app.view_symbol"
"""Of the scanner's models all or none may be read, so one permission stands for them."""

OPERATE = "scanner_app.operate_symbol"
SEND_BARS = "scanner_app.add_bar"


@dataclass(frozen=True, slots=True)
class May:
    """What a user may do. Who is not signed in, or was locked out, may do nothing of it."""

    user: User | AnonymousUser | AbstractBaseUser

    def _has(self, *permissions: str) -> bool:
        user = self.user
        if not isinstance(user, User):
            return False
        return user.is_active and (user.is_staff or any(user.has_perm(one) for one in permissions))

    @property
    def enter_admin(self) -> bool:
        """See the scanner's pages of the admin; acting there is another matter."""
        return self._has(READ, OPERATE)

    @property
    def open_flower(self) -> bool:
        """Be shown the way to Flower. It asks for ADMIN_USER's password, which readers and operators have not."""
        return isinstance(self.user, User) and self.user.is_active and (self.user.is_staff or self.user.is_superuser)

    @property
    def operate(self) -> bool:
        """Do operators' acts."""
        return self._has(OPERATE)

    @property
    def send_bars(self) -> bool:
        """Have bars accepted."""
        return self._has(SEND_BARS)


def for_templates(request: HttpRequest) -> dict[str, May]:
    """Context processor: `{% if may.operate %}` in every template."""
    return {"may": May(request.user)}
