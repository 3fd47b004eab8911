"""Addresses: how one reaches a server that listens on an address, and the paths of the probes."""

from typing import Final

LOOPBACK_OF: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
"""Hosts that stand for every address of a machine, and the host that a client on the same machine uses instead."""


PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths by which others watch the scanner: answered whatever the Host header, and however many requests wait."""


def is_every_address(listening: str) -> bool:
    """Whether the host stands for every address of the machine. A browser cannot open such a host."""
    return listening in LOOPBACK_OF


def local_host(listening: str) -> str:
    """The host by which a client on the same machine reaches the server."""
    return LOOPBACK_OF.get(listening, listening)


def link_host(listening: str) -> str:
    """The host that a link in a message names."""
    return "localhost" if is_every_address(listening) else listening


def web_url(host: str, port: int) -> str:
    """The URL of a web server, without a slash at the end. An IPv6 address gets brackets."""
    return f"http://{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """The host as it is written before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
