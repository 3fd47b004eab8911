"""What users name: a name is one row's alone, and a user has a limited number of rows."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model


class NameTaken(ValueError):
    """Another row has this name."""


class TooMany(ValueError):
    """The user has as many rows as one may have."""


def save(row: Model, taken: str, **how: Any) -> None:
    """Save a row. Raises NameTaken with the sentence `taken` if its name is another row's."""
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError:
        raise NameTaken(taken) from None
