"""Turn the domain's enumerations into Django's choices."""

from enum import StrEnum


def choices_of(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """(value, label) of each member, with the labels that Django's TextChoices would make."""
    return [(member.value, member.name.replace("_", " ").title()) for member in enum]
