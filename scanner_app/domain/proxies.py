"""Which proxies are believed, and who the client behind them is."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Addresses and networks whose `X-Forwarded-…` headers are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """From addresses and networks, comma-separated; empty: none. Raises ValueError for anything else."""
        return cls(tuple(_network(part.strip()) for part in text.split(",") if part.strip()))

    def __contains__(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)  # ::ffff:127.0.0.1, of a server that listens on IPv6 and IPv4
        return any((mapped or found) in network for network in self.networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the last one of X-Forwarded-For that is not a trusted proxy; `peer` if none is."""
        if peer not in self:
            return peer
        # Each proxy appends the address it saw, so what the client itself claims is on the left.
        for entry in reversed(forwarded_for.split(",")):
            if not (address := plain_address(entry)):
                break  # nobody can say who was before this one
            peer = address
            if address not in self:
                break
        return peer


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"must be addresses or networks, comma-separated, for example 127.0.0.1,10.0.0.0/8; {text!r} is none"
        ) from None


def plain_address(entry: str) -> str:
    """An entry of X-Forwarded-For as an address, without port and brackets; empty if it is none."""
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def first(values: Iterable[str]) -> str:
    """The first value that is not empty; empty if all are."""
    return next((value.strip() for value in values if value.strip()), "")
