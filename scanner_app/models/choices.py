"""Enumerations of the domain as Django's choices."""

from enum import StrEnum


def choices_of(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """(value, label) of each member, with the labels that Django's own TextChoices would have."""
    return [(member.value, member.name.replace("_", " ").title()) for member in enum]
