"""How many wrong passwords are taken before further ones wait: by user, and by address.

The counts are in this process's memory: a guess costs no write, and counts nothing of which the database or the
broker must know. Several web processes count apart, and a restart forgets.

Nobody is locked out for ever. A lock ends WINDOW_S after its first wrong password, whatever is sent meanwhile. And
where a user has signed in from before, others' guesses at the name don't count: only those from that address do.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from scanner_app.domain.errors import TooManyGuesses
from scanner_app.telemetry import security_log

WINDOW_S = 300
"""Seconds from the first wrong password of a count to its end."""

OF_USER = RateLimitItemPerSecond(10, WINDOW_S)
"""Wrong passwords for a user: from one known address, or from all unknown ones together. Ten typing errors in five
minutes are rare, and ten guesses in five minutes find no password that the validators let through."""

OF_ADDRESS = RateLimitItemPerSecond(30, WINDOW_S)
"""Wrong passwords from an address, for whatever users: an office behind one address has several people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody who says to be `username`."""

    username: str
    address: str  # empty: unknown, as behind a unix socket
    known: bool  # the user has signed in from there before

    @property
    def counts(self) -> list[tuple[RateLimitItem, tuple[str, ...]]]:
        """The counts that its failure belongs to, with their keys."""
        of_user = ("user", self.username, self.address if self.known else "unknown addresses")
        counted: list[tuple[RateLimitItem, tuple[str, ...]]] = [(OF_USER, of_user)]
        if self.address:
            counted.append((OF_ADDRESS, ("address", _of_one_client(self.address))))
        return counted


def _of_one_client(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, of which every client has 2**64 addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address) or found.ipv4_mapped:
        return address
    return str(IPv6Address(int(found) >> 64 << 64))


@lru_cache(maxsize=1)
def _limiter() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())


def check(attempt: Attempt) -> None:
    """Raises TooManyGuesses if the attempt must wait. Changes nothing."""
    for limit, key in attempt.counts:
        if waits_s := _waits_s(limit, key):
            raise TooManyGuesses(waits_s)


def _waits_s(limit: RateLimitItem, key: tuple[str, ...]) -> int:
    if _limiter().test(limit, *key):
        return 0
    ends_at = _limiter().get_window_stats(limit, *key).reset_time
    return max(1, round(ends_at - time.time()))


def address_waits_s(address: str) -> int:
    """For how many seconds nobody can sign in from the address; 0: now. Costs next to nothing."""
    return _waits_s(OF_ADDRESS, ("address", _of_one_client(address))) if address else 0


def failed(attempt: Attempt) -> None:
    """Count a wrong password. The security log says so, and when it was the last that is taken."""
    security_log.note("sign_in_refused", user=attempt.username, why="wrong name or password")
    for limit, key in attempt.counts:
        _limiter().hit(limit, *key)
        if not _limiter().test(limit, *key):
            security_log.note("locked_out", user=attempt.username, of=key[0], for_s=WINDOW_S)


def succeeded(attempt: Attempt) -> None:
    """Forget the user's wrong passwords. Those of the address stay: an attacker may have an account of his own."""
    limit, key = attempt.counts[0]
    _limiter().clear(limit, *key)


def forget() -> None:
    """Forget all counts. For tests."""
    _limiter.cache_clear()
