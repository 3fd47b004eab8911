"""What a second look at a bar changes in its signals: no Django, no clock, no I/O."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class SignalLike(Protocol):
    """What makes two signals of a bar equal: these four."""

    @property
    def detector(self) -> Any:
        """The name of the detector."""

    @property
    def pattern(self) -> Any:
        """What it saw."""

    @property
    def direction(self) -> Any:
        """Bullish, bearish or neutral."""

    @property
    def strength(self) -> Any:
        """How strong it is."""


Found = TypeVar("Found", bound=SignalLike)
Stored = TypeVar("Stored", bound=SignalLike)


@dataclass(frozen=True, slots=True)
class Changes(Generic[Found, Stored]):
    """The signals to withdraw and those to add."""

    withdrawn: list[Stored]
    added: list[Found]


def changes(found: Iterable[Found], stored: Iterable[Stored], *, ran: Collection[str]) -> Changes[Found, Stored]:
    """Compare what the detectors named in `ran` find now with the bar's valid signals.

    A signal found again with equal direction and strength stays. One not found, or found with others, is withdrawn;
    a new or changed one is added. Signals of detectors that did not run are left alone.
    """
    now: Mapping[Hashable, Found] = {_identity(one): one for one in found}
    before: Mapping[Hashable, Stored] = {_identity(one): one for one in stored if one.detector in ran}
    return Changes(
        withdrawn=[one for key, one in before.items() if key not in now],
        added=[one for key, one in now.items() if key not in before],
    )


def _identity(signal: SignalLike) -> Hashable:
    return (signal.detector, signal.pattern, str(signal.direction), signal.strength)
