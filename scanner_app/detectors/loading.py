"""Load detectors by their dotted paths, such as those of the setting SCANNER_DETECTORS."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner_app.detectors.interface import Detector

MAX_BARS_NEEDED: Final = 5000
"""Most bars that a detector may need: they are loaded for every bar. 5,000 are twenty years of daily bars."""

MAX_NAME_LENGTH: Final = 64
"""Most characters of a detector's or pattern's name, or of a version: the width of their database columns."""


INSTALLED: Final = "installed"
"""Stands in SCANNER_DETECTORS for the detectors of all installed packages."""

SHIPPED: Final = "shipped"
"""Stands in SCANNER_DETECTORS for all detectors that ship with the scanner."""

_SHIPPED_PATHS: Final = (
    "scanner_app.detectors.candlesticks.Candlesticks",
    "scanner_app.detectors.wyckoff.Wyckoff",
    *(
        f"scanner_app.detectors.beyond_candles.{name}"
        for name in (
            "AverageCross",
            "DoubleTurn",
            "Gap",
            "NewExtremes",
            "RangeBreakout",
            "RelativeVolume",
            "RsiDivergence",
            "SessionExtremes",
            "Squeeze",
        )
    ),
)

GROUP: Final = "market_scanner.detectors"
"""The group of entry points by which a package names its detectors."""


class DetectorError(ValueError):
    """A dotted path does not lead to a usable detector. The message names the path and says why."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"detector {path!r}: {problem}")
        self.path = path
        self.problem = problem


def load(dotted_paths: Sequence[str]) -> tuple[Detector, ...]:
    """Import and instantiate each detector, in the given order; none without paths.

    The path `shipped` stands for all detectors that ship, and `installed` for those of all installed packages, in the
    order of their entry points' names. What is named already is not loaded again by a word.

    Raises DetectorError for the first path that does not lead to a usable detector, and if two detectors have the same
    name: it would not be known which of them a signal comes from.
    """
    detectors: dict[str, Detector] = {}
    for path in expanded(dotted_paths):
        detector = _instantiate(path)
        _check(path, detector)
        if (owner := detectors.setdefault(detector.name, detector)) is not detector:
            taken_by = f"{type(owner).__module__}.{type(owner).__qualname__}"
            raise DetectorError(path, f"its name {detector.name!r} is already taken by {taken_by}")
    return tuple(detectors.values())


def expanded(dotted_paths: Sequence[str]) -> Iterator[str]:
    """These paths, with those that the words `shipped` and `installed` stand for in their places.

    Raises DetectorError for `installed` if no installed package has a detector.
    """
    named = set(dotted_paths)
    for path in dotted_paths:
        if path not in {SHIPPED, INSTALLED}:
            yield path
            continue
        meant = _SHIPPED_PATHS if path == SHIPPED else _installed()
        yield from (each for each in meant if each not in named)
        named.update(meant)


def _installed() -> tuple[str, ...]:
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    if not found:
        raise DetectorError(INSTALLED, f"no installed package has an entry point of the group {GROUP}")
    return tuple(entry.value.replace(":", ".") for entry in found)


def _instantiate(path: str) -> Detector:
    module_path, dot, class_name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    if not (module_path and dot and class_name):
        raise DetectorError(path, "must be a dotted path such as 'package.module.ClassName'")
    try:
        found = getattr(import_module(module_path), class_name)
    except AttributeError as exc:
        raise DetectorError(path, f"not importable: {exc}") from exc
    except (Exception, SystemExit) as exc:  # a module of others may raise anything when it is imported
        raise DetectorError(path, f"not importable: {type(exc).__name__}: {exc}") from exc
    if not isinstance(found, type):
        raise DetectorError(path, f"must be a class, not {found!r}")
    try:
        return cast("Detector", found())
    except (Exception, SystemExit) as exc:
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
    version = getattr(detector, "version", None)
    if version is not None and not is_name(version):
        raise DetectorError(path, f"version must be 1 to {MAX_NAME_LENGTH} printable characters, not {version!r}")
    if not callable(detect):
        raise DetectorError(path, f"detect must be a method, not {detect!r}")


def is_name(value: object) -> bool:
    """Whether every database can store it as the name of a detector or pattern: no NUL, no line break, not blank."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_NAME_LENGTH and value.isprintable()
