"""Channels by which hits are told, and what was told by them."""

from django.db import models

from scanner_app.domain.enums import UNTOLD_STATES, ChannelKind, DeliveryState
from scanner_app.models.choices import choices_of
from scanner_app.models.rules import Hit


class Channel(models.Model):
    """A way to tell traders of hits. Its secrets are sealed: notifications/sealing.py."""

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=7, choices=choices_of(ChannelKind))
    shown_url = models.CharField(max_length=200)  # without secrets
    sealed_url = models.TextField()
    sealed_secret = models.TextField(blank=True)  # a webhook's signing secret
    # Every user's rules may name it, not operators' alone.
    shared = models.BooleanField(default=False, db_default=False)
    enabled = models.BooleanField(default=True)  # off: nothing new is told by it; 410 of a webhook switches it off
    # Quiet hours by the clock of a time zone, both or neither; and while a market is closed, by its calendar's name.
    quiet_from = models.TimeField(null=True)
    quiet_to = models.TimeField(null=True)
    timezone = models.CharField(max_length=64, default="UTC")
    quiet_calendar = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    # One process at a time sends by a channel; after this time another one may.
    busy_until = models.DateTimeField(null=True)
    # Failures in a row, and until when nothing is tried because of them: a dead server must not delay the others.
    failures = models.IntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    deleted_at = models.DateTimeField(null=True)  # hidden since then; its rows are removed in batches

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="channel_name", condition=models.Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """The telling of one hit by one channel; or of a digest, which others name; or of a test, without a rule."""

    # None: a digest or a test. No row is made twice: see the constraint.
    hit = models.ForeignKey(Hit, on_delete=models.CASCADE, null=True, db_index=False, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    rule_id = models.BigIntegerField(null=True)  # also when the rule is gone; None: a test
    state = models.CharField(max_length=8, choices=choices_of(DeliveryState), default=DeliveryState.WAITING)
    attempts = models.IntegerField(default=0)  # tries that were begun
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)  # None: it is not sent alone (again)
    expires_at = models.DateTimeField(null=True)  # after this it is not told any more; None: never
    sent_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=40, unique=True)  # the same if it is sent twice; receivers see it
    digest = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="names")  # that names it

    class Meta:
        constraints = [
            # Each hit once by each channel.
            models.UniqueConstraint(fields=["hit", "channel"], name="delivery_once"),
        ]
        indexes = [
            # Deliveries that are due, by channel.
            models.Index(
                fields=["channel", "next_attempt_at"],
                name="delivery_due",
                condition=models.Q(state__in=sorted(UNTOLD_STATES)),
            ),
            # Lists of a channel, newest first, by cursor; and what is left of one that is being removed.
            models.Index(fields=["channel", "id"], name="delivery_channel_newest"),
            # How many of a rule were told in the last minute; lists of a rule.
            models.Index(fields=["rule_id", "channel", "sent_at"], name="delivery_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.channel}: {self.state}"
