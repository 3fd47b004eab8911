"""Which key of a message is which field of a bar: values in, values out.

A mapping is "tradingview", or an object of our fields to their sources. A source is a key (`"o"`; with dots in objects
and lists inside of the message: `"data.k.0"`), or `{"constant": …}`, the same in all bars. A field that the mapping
does not name is looked for under its own name, so that `{}` reads bars as `POST bars` has them.

Unlike there, numbers, times and truths may be text, and times Unix times.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from scanner_app.domain import tickers
from scanner_app.domain.bars import VALUES
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name
from scanner_app.feeds.hooks import tradingview
from scanner_app.feeds.reader.numbers import is_nothing
from scanner_app.feeds.reader.times import PER_SECOND, form_of, from_epoch

TRADINGVIEW: Final = "tradingview"
"""The one mapping that has a name."""

FIELDS: Final = ("symbol", "timeframe", "timestamp", *VALUES, "closed", "sent_at")
"""Fields of a bar, as `POST bars` has them, and when the sender had these values: a bar that was forming then is
forming, however long the message took."""

CONSTANT: Final = "constant"

MAX_TEXT: Final = 200
"""Characters of a key or a constant."""

_OPTIONAL: Final = frozenset({"volume", "closed", "sent_at"})
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_TRUTHS: Final[dict[str, bool]] = {"true": True, "1": True, "false": False, "0": False}
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the value of a field comes from: the key, or the constant if the key is empty."""

    key: str = ""
    constant: Any = None

    @property
    def words(self) -> str:
        """What people are told: "key 'o' of the message"."""
        return f"key {self.key!r} of the message" if self.key else "constant of the hook"


Sources = Mapping[str, Source]
"""The source of each of FIELDS."""


def sources(mapping: object) -> Sources:
    """What a mapping means. Raises ValueError, which names the field that is wrong."""
    if mapping == TRADINGVIEW:
        return {name: Source(key=tradingview.KEYS.get(name, name)) for name in FIELDS}
    if not isinstance(mapping, Mapping):
        raise ValueError(f'must be "{TRADINGVIEW}", or an object of fields to keys')
    if unknown := sorted(str(name)[:MAX_TEXT] for name in set(mapping) - set(FIELDS)):
        raise ValueError(f"{unknown[0]!r} is no field; the fields are {', '.join(FIELDS)}")
    return {name: _source(name, mapping[name]) if name in mapping else Source(key=name) for name in FIELDS}


def raw_bar(found: Sources, message: Mapping[str, Any], *, of_tradingview: bool = False) -> dict[str, Any]:
    """The fields of a bar that a message has. What cannot be read is left as it is, for ingest to refuse."""
    bar = {}
    for name, source in found.items():
        value = _at(message, source.key) if source.key else source.constant
        if value is _NOTHING or (name in _OPTIONAL and is_nothing(value)):
            continue
        if of_tradingview and name == "timeframe" and isinstance(value, str):
            value = tradingview.interval(value)
        bar[name] = _read(name, value)
    return bar


def _source(name: str, wanted: object) -> Source:
    if isinstance(wanted, str) and 1 <= len(wanted) <= MAX_TEXT and wanted.isprintable():
        return Source(key=wanted)
    if isinstance(wanted, Mapping) and set(wanted) == {CONSTANT}:
        return Source(constant=_checked(name, wanted[CONSTANT]))
    raise ValueError(
        f'{name} must be a key of 1 to {MAX_TEXT} printable characters, or {{"{CONSTANT}": …}} for all bars'
    )


def _checked(name: str, constant: object) -> object:
    """The constant, if it is one that a bar may have."""
    value = _read(name, constant)
    if name == "symbol":
        try:
            return tickers.normalise(value)
        except ValueError as exc:
            raise ValueError(f"symbol {exc}") from None
    if name == "timeframe":
        found = normal_name(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"timeframe must be one of {', '.join(TIMEFRAMES)}, not {str(constant)[:MAX_TEXT]!r}")
        return found
    if name != "closed":
        raise ValueError(f"{name} can't be a constant: every bar has its own")
    if not isinstance(value, bool):
        raise ValueError("closed must be true or false")
    return value


def _at(message: Mapping[str, Any], key: str) -> Any:
    """The value of a key, or of a path of keys; _NOTHING if the message has none."""
    if key in message:
        return message[key]
    place: Any = message
    for part in key.split("."):
        if isinstance(place, Mapping) and part in place:
            place = place[part]
        elif isinstance(place, list) and part.isascii() and part.isdecimal() and int(part[:9]) < len(place):
            place = place[int(part[:9])]
        else:
            return _NOTHING
    return place


def _read(name: str, value: Any) -> Any:
    if name in {"symbol", "timeframe"}:
        return str(value) if _is_whole(value) else value
    if name in {"timestamp", "sent_at"}:
        return _moment(value)
    if name == "closed":
        return _TRUTHS.get(str(value).strip().lower(), value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _moment(value: Any) -> Any:
    """A Unix time, in whichever unit its size tells, as a time. ISO 8601 is left to ingest."""
    text = str(value).strip() if isinstance(value, str) or _is_whole(value) or isinstance(value, float) else ""
    form = form_of(text) if len(text) < 40 else None
    if form is None or (unit := form.unit) is None:
        return value
    try:
        return from_epoch(int(float(text)) if "." in text else int(text), PER_SECOND[unit])
    except (ValueError, OverflowError):
        return value


def aware(value: object) -> datetime | None:
    """A time with an offset as UTC; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None
