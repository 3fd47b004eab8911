"""How users prove who they are: their tokens of the API, and the addresses that they signed in from."""

from django.contrib.auth.models import User
from django.db import models

from scanner_app.domain.enums import Scope
from scanner_app.models.choices import choices_of


class ApiToken(models.Model):
    """A token of a user. Only its hash is stored: the token itself is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True)  # what its owner knows it by
    scope = models.CharField(max_length=7, choices=choices_of(Scope))
    # SHA-256 in hex. A token has 256 random bits, so nobody can guess it from its hash: no salt, no slow hash.
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=20)  # its first characters, by which its owner recognises it
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # None: never; only tokens from before they had an end
    last_used_at = models.DateTimeField(null=True)  # to the hour: not every request may cost a write

    class Meta:
        verbose_name = "API token"
        indexes = [
            # A user's tokens, newest first, by cursor.
            models.Index(fields=["user", "id"], name="token_user_newest"),
        ]

    def __str__(self) -> str:
        return self.name or self.hint


class KnownAddress(models.Model):
    """An address from which a user has signed in. Others' guesses at the password don't lock the user out there."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False, related_name="known_addresses")
    address = models.CharField(max_length=45)  # an IPv6 address has at most 45 characters
    at = models.DateTimeField()  # the last time

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "address"], name="known_address")]

    def __str__(self) -> str:
        return self.address
