"""NumPy and TA-Lib, imported with the first bar: who only checks a rule, such as a web process, saves 35 MB."""

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module. What was asked of it once is an attribute of its own, so that asking again costs nothing."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._path), name)
        setattr(self, name, found)
        return found
