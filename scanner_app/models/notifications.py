"""The outbox: notifications to the administrators, sent or still to be sent."""

from django.db import models

from scanner_app.domain.enums import NotificationKind, NotificationState, Severity
from scanner_app.models.alerts import Alert
from scanner_app.models.bars import Bar
from scanner_app.models.choices import choices_of
from scanner_app.models.detectors import FailureIncident
from scanner_app.models.symbols import Symbol


class Notification(models.Model):
    """One message for one channel: written in the transaction of what it reports, sent later by a task."""

    kind = models.CharField(max_length=9, choices=choices_of(NotificationKind))
    symbol = models.ForeignKey(  # None: a digest, or an alert about something else than a symbol
        Symbol, on_delete=models.CASCADE, null=True, db_index=False, related_name="notifications"
    )
    bar = models.ForeignKey(Bar, on_delete=models.SET_NULL, null=True, related_name="notifications")
    # The one message about it tells of what this row reports; or, of a row of the kind "incident", is this row.
    incident = models.ForeignKey(FailureIncident, on_delete=models.SET_NULL, null=True, related_name="notifications")
    alert = models.ForeignKey(Alert, on_delete=models.SET_NULL, null=True, related_name="notifications")
    # The severity of its alert, of a digest's worst; NULL in rows of older versions.
    severity = models.CharField(max_length=7, choices=choices_of(Severity), null=True)  # noqa: DJ001 - as above
    channel = models.CharField(max_length=200)  # a name without secrets: "mail", "apprise 1 (slack)"
    at = models.DateTimeField()  # when what it reports happened
    subject = models.CharField(max_length=200)
    body = models.TextField()  # without the link, which is added when it is sent
    message_id = models.CharField(max_length=200, unique=True)  # the same if a mail is sent twice
    state = models.CharField(max_length=7, choices=choices_of(NotificationState), default=NotificationState.PENDING)
    attempts = models.IntegerField(default=0)  # tries that were begun
    next_try_at = models.DateTimeField(null=True)  # None: it is not sent alone (again)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # of the last try, or why it was not sent
    digest = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="names")  # that names it

    class Meta:
        indexes = [
            # Notifications that are due.
            models.Index(fields=["next_try_at"], name="notification_due", condition=models.Q(state="pending")),
            # Notifications of the last minute, for digests.
            models.Index(fields=["at"], name="notification_at"),
            # Lists of one symbol, newest first, by cursor.
            models.Index(fields=["symbol", "id"], name="notification_symbol_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} by {self.channel}: {self.state}"
