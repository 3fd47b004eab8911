"""What people who are not signed in may read: no names of people, hosts or files."""

import re
import socket
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from scanner_app.domain.drill import AlarmPath
from scanner_app.reading.reruns import RerunProgress
from scanner_app.reading.status import Overview
from scanner_app.reading.symbol_status import SymbolSummary

ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\[?\b[0-9a-f]*(?::[0-9a-f]*){2,}:[0-9a-f]*\b\]?", re.IGNORECASE)
"""IPv4 and IPv6 addresses. A time such as 14:30:00 has one colon less."""

OF_WORKER = re.compile(r"(?<=\w)@[\w.-]+")
"""The host in a worker's name, main@host."""

PATH = re.compile(r"(?<![\w/])/[\w.-]+(?:/[\w.-]*\w)+")
"""A file, such as the socket of the bundled server."""


Row = TypeVar("Row", SymbolSummary, RerunProgress)


def without_hosts(text: str) -> str:
    """The text, with "…" for hosts, addresses and files. What else is wrong is still said."""
    text = OF_WORKER.sub("", text)
    for pattern in (ADDRESS, PATH):
        text = pattern.sub("…", text)
    for host in _ours():
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "…", text, flags=re.IGNORECASE)
    return text


def row(one: Row) -> Row:
    """A symbol's status, or a re-run: the last error is a detector's text, which may name anything."""
    return replace(one, last_error=without_hosts(one.last_error)) if one.last_error else one


def overview(whole: Overview) -> Overview:
    """The status of all symbols."""
    return replace(
        whole,
        reasons=[without_hosts(reason) for reason in whole.reasons],
        symbols=[row(one) for one in whole.symbols],
        alarm_path=alarm_path(whole.alarm_path),
        watcher=whole.watcher and replace(whole.watcher, answer=without_hosts(whole.watcher.answer)),
    )


def alarm_path(path: AlarmPath) -> AlarmPath:
    """What the drills have shown: why a channel failed may name its server."""
    return replace(path, detail=without_hosts(path.detail), said=without_hosts(path.said))


def _ours() -> set[str]:
    """Names of the hosts that this process speaks to, and its own."""
    names = {
        str(settings.DATABASES["default"].get("HOST") or ""),
        urlsplit(settings.REDIS_URL).hostname or "",
        socket.gethostname(),
    }
    return {name for name in names if name}
