"""Hooks: secret addresses to which other programs send bars."""

from django.contrib.auth.models import User
from django.db import models


class Hook(models.Model):
    """A hook of a user. Of its secret only the hash is stored, as of a token: its address is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="hooks")
    name = models.CharField(max_length=100)  # what its owner knows it by
    mapping = models.JSONField()  # how its messages are read: scanner_app.feeds.hooks.mapping
    tickers = models.JSONField(default=dict, db_default={})  # {what its messages call a symbol: our ticker}
    digest = models.CharField(max_length=64, unique=True)  # see ApiToken.digest
    hint = models.CharField(max_length=24)  # the secret's first characters, by which its owner recognises it
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)  # to the minute: not every message may cost a write more
    last_error = models.TextField(blank=True)  # why a bar, or a whole message, was not taken; to some seconds
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # A user's hooks, newest first, by cursor.
            models.Index(fields=["user", "id"], name="hook_user_newest"),
        ]

    def __str__(self) -> str:
        return self.name
