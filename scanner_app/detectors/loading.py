"""Load detectors by their dotted paths, such as those of the setting SCANNER_DETECTORS."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner_app.detectors.interface import Detector

MAX_BARS_NEEDED: Final = 5000
"""Most bars that a detector may need: they are loaded for every bar. 5,000 are twenty years of daily bars."""

MAX_NAME_LENGTH: Final = 64
"""Most characters of a detector's or pattern's name: the width of its database column."""


class DetectorError(ValueError):
    """A dotted path does not lead to a usable detector. The message names the path and says why."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"detector {path!r}: {problem}")
        self.path = path
        self.problem = problem


def load(dotted_paths: Sequence[str]) -> tuple[Detector, ...]:
    """Import and instantiate each detector, in the given order; none without paths.

    Raises DetectorError for the first path that does not lead to a usable detector, and if two detectors have the same
    name: it would not be known which of them a signal comes from.
    """
    detectors: dict[str, Detector] = {}
    for path in dotted_paths:
        detector = _instantiate(path)
        _check(path, detector)
        if (owner := detectors.setdefault(detector.name, detector)) is not detector:
            taken_by = f"{type(owner).__module__}.{type(owner).__qualname__}"
            raise DetectorError(path, f"its name {detector.name!r} is already taken by {taken_by}")
    return tuple(detectors.values())


def _instantiate(path: str) -> Detector:
    module_path, dot, class_name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    if not (module_path and dot and class_name):
        raise DetectorError(path, "must be a dotted path such as 'package.module.ClassName'")
    try:
        found = getattr(import_module(module_path), class_name)
    except AttributeError as exc:
        raise DetectorError(path, f"not importable: {exc}") from exc
    except Exception as exc:  # a module of others may raise anything when it is imported
        raise DetectorError(path, f"not importable: {type(exc).__name__}: {exc}") from exc
    if not isinstance(found, type):
        raise DetectorError(path, f"must be a class, not {found!r}")
    try:
        return cast("Detector", found())
    except Exception as exc:
        raise DetectorError(path, f"cannot be instantiated: {type(exc).__name__}: {exc}") from exc


def _check(path: str, detector: object) -> None:
    for attribute in ("name", "bars_needed", "detect"):
        if not hasattr(detector, attribute):
            raise DetectorError(path, f"lacks {attribute!r}")
    name, bars_needed, detect = (getattr(detector, each) for each in ("name", "bars_needed", "detect"))
    if not is_name(name):
        raise DetectorError(path, f"name must be 1 to {MAX_NAME_LENGTH} printable characters, not {name!r}")
    # A bool is an int in Python, but bars_needed = True is a mistake.
    if isinstance(bars_needed, bool) or not isinstance(bars_needed, int):
        raise DetectorError(path, f"bars_needed must be an int, not {bars_needed!r}")
    if not 1 <= bars_needed <= MAX_BARS_NEEDED:
        raise DetectorError(path, f"bars_needed must be 1 to {MAX_BARS_NEEDED}, not {bars_needed!r}")
    if not callable(detect):
        raise DetectorError(path, f"detect must be a method, not {detect!r}")


def is_name(value: object) -> bool:
    """Whether every database can store it as the name of a detector or pattern: no NUL, no line break, not blank."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_NAME_LENGTH and value.isprintable()
