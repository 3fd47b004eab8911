"""Within a `with public_only():`, this process connects to addresses of the public internet alone.

The check is made when a socket connects, with the address that it connects to: a name that pointed elsewhere when
somebody looked has no chance (DNS rebinding), whichever library asks. Python's own audit event makes that possible.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from scanner_app.domain.public_addresses import is_public

_refusals: ContextVar[list[str] | None] = ContextVar("refusals", default=None)


@contextmanager
def public_only(*, guarded: bool = True) -> Iterator[list[str]]:
    """Refuse connections to other addresses meanwhile, by an OSError, also in threads that take over this context.

    Gives a list, to which a sentence for each refusal is added: libraries hide the error's text. Not `guarded`: nothing
    is refused.
    """
    if not guarded:
        yield []
        return
    _install()
    refusals: list[str] = []
    token = _refusals.set(refusals)
    try:
        yield refusals
    finally:
        _refusals.reset(token)


@cache
def _install() -> None:
    # For the life of the process: Python can't take an audit hook away.
    sys.addaudithook(_look)


def _look(event: str, args: tuple[Any, ...]) -> None:
    if event != "socket.connect" or (refusals := _refusals.get()) is None:
        return
    address = args[1]
    host = address[0] if isinstance(address, tuple) and address else address
    if not (isinstance(host, str) and is_public(host)):
        refusals.append(
            f"{host!r} is an address of this machine or a private network; "
            "SCANNER_WEBHOOK_PRIVATE_ADDRESSES=1 allows them"
        )
        raise OSError(refusals[-1])
