"""Small files that are written as a whole or not at all, and that only their owner may read."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The text that a file keeps."""

    text: str
    made: bool  # it was made just now
    was_broken: bool  # because the file was empty, cut or garbage


def write_whole(file: Path, text: str) -> None:
    """Replace a file. Whenever the power goes, there is the old text or the new one. Raises OSError."""
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    try:
        with open(new, "x", opener=owner_only) as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)


def keep(file: Path, make: Callable[[], str], is_good: Callable[[str], bool]) -> Kept:
    """The text of a file, stripped. If there is none, or `is_good` refuses it, the text is made anew and written.

    If several processes do this at once, one makes it and all get the same. Raises OSError.
    """
    if (text := read(file)) and is_good(text):
        return Kept(text=text, made=False, was_broken=False)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        text = read(file)
        if text and is_good(text):  # another process was first
            return Kept(text=text, made=False, was_broken=False)
        made = make()
        write_whole(file, made + "\n")
        return Kept(text=made, made=True, was_broken=text is not None)
    finally:
        os.close(folder)


def read(file: Path) -> str | None:
    """The text of a file, stripped; None: there is no such file; empty: nothing, or no text."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""


def owner_only(name: str, flags: int) -> int:
    """An opener of files that only their owner may read."""
    return os.open(name, flags, 0o600)
