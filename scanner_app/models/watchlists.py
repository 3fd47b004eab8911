"""Watch lists: the symbols that a user looks at together."""

from django.contrib.auth.models import User
from django.db import models


class WatchList(models.Model):
    """A named list of tickers and patterns of tickers, in the order that its owner gave them."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False, related_name="watch_lists")
    name = models.CharField(max_length=100)
    symbols = models.JSONField()  # a list of tickers and patterns in upper case, e.g. ["BRK.B", "*USDT"]
    shared = models.BooleanField(default=False)  # others may read and use it; the owner alone changes it
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="watch_list_name_of_owner")]

    def __str__(self) -> str:
        return self.name
