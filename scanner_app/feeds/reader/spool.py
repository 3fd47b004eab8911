"""Temporary files: for data that can be read only once, and for rows that are to be walked backwards."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Final

from scanner_app.feeds.reader.errors import FeedError

CHUNK: Final = 1 << 20
"""Bytes moved at a time."""

IN_MEMORY: Final = 4 << 20
"""Bytes up to which a temporary file stays in memory."""

LARGEST: Final = 64 << 30
"""Bytes that unpacked data, or standard input, may have: more is no file of bars."""

BOMB_FROM: Final = 256 << 20
"""Unpacked bytes from which the ratio to the packed ones is looked at: a small file may hold nothing but zeros."""

BOMB_RATIO: Final = 200
"""Unpacked bytes for each packed one above which a file is taken for a bomb. Price files have 3 to 30."""

BLOCK_ROWS: Final = 2_000
"""Rows that are written, and held in memory, at a time."""


class Window(io.RawIOBase):
    """A part of a file as a file of its own. Several windows may share one file, in one thread."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place, counted from the window's beginning, the present place or the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place on; 0 at the window's end."""
        wanted = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Spool:
    """A temporary file to which streams are copied one after another, each to be read as often as wanted."""

    def __init__(self, name: str, packed_size: int | None) -> None:
        """`name` is for messages; `packed_size` in bytes is None where nothing is unpacked."""
        self._name, self._packed = name, packed_size
        # Lives as long as the windows on it; it has no name in the file system.
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._size = 0

    def add(self, stream: IO[bytes]) -> tuple[Callable[[], IO[bytes]], int]:
        """Copy a stream; return how to open the copy, and its size. Raises FeedError if it is far too large."""
        start = self._size
        while data := stream.read(CHUNK):
            self._file.seek(self._size)
            self._file.write(data)
            self._size += len(data)
            self._check()
        size = self._size - start
        file: Any = self._file
        return (lambda: io.BufferedReader(Window(file, start, size), CHUNK)), size

    def _check(self) -> None:
        if self._size > LARGEST:
            raise FeedError(f"{self._name}: has more than {LARGEST >> 30} GB of data")
        if self._packed is not None and self._size > max(BOMB_FROM, self._packed * BOMB_RATIO):
            raise FeedError(
                f"{self._name}: unpacks to more than {BOMB_RATIO} times its size, as no file of prices does; "
                "unpack it yourself if it is one"
            )


class RowSpool:
    """Rows on disk, written once, walked forwards or backwards as often as wanted."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._places: list[int] = []
        self._pending: list[Any] = []
        self._end = 0
        self.count = 0

    def add(self, row: tuple[int, Sequence[object]]) -> None:
        """Write a row, numbered."""
        self._pending.append(row)
        self.count += 1
        if len(self._pending) >= BLOCK_ROWS:
            self._flush()

    def rows(self, *, backwards: bool = False) -> Iterator[tuple[int, Sequence[object]]]:
        """Walk the rows."""
        self._flush()
        for place in reversed(self._places) if backwards else self._places:
            self._file.seek(place)
            block = pickle.load(self._file)  # noqa: S301 - a file without a name that this process wrote
            yield from reversed(block) if backwards else block

    def _flush(self) -> None:
        if self._pending:
            self._file.seek(self._end)
            self._places.append(self._end)
            pickle.dump(self._pending, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._end = self._file.tell()
            self._pending = []
