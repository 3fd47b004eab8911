"""Django's sessions in the database, for keys that it can have made: a stranger may send any cookie.

PostgreSQL refuses text with a NUL, and a cookie can have one: the answer would be 500, and an alert.
"""

from django.contrib.sessions.backends import db

SHORTEST = 8
"""Characters of a key that Django accepts."""


class SessionStore(db.SessionStore):
    """Django's, which looks for any key that is long enough."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= SHORTEST and key.isascii() and key.isalnum()
