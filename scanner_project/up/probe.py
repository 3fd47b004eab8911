"""`python -m scanner_project.up.probe PROGRAM`: a container's health check. Exit status 0 if it is healthy, else 1.

web, flower: it answers. worker ROLE: this host's worker has a heartbeat. beat: the sweeper, which beat triggers every
two seconds, has run within the last half minute. feed: this host's process of live feeds has said that it lives.
"""

import os
import socket
import sys
import time
import urllib.request
from base64 import b64encode

import redis

from scanner_project import env as environment

TIMEOUT_S = 5.0

HEARTBEAT_KEY = "scanner:tell:"
SWEPT_KEY = "scanner:swept"
FEED_KEY = "scanner:feed-process:"
"""The keys of scanner_app/messaging, whose import would take a second of each probe; a test compares them."""

SWEPT_WITHIN_S = 30.0
"""Sweeps come every SCANNER_SWEEP_S, 2 s by default: fifteen were missed."""


def main(program: str, role: str = "") -> int:
    """Return the exit status; write what is wrong to standard error."""
    env = environment.read()
    problem = {"web": _web, "flower": _flower, "worker": _worker, "beat": _beat, "feed": _feed}[program](env, role)
    if problem:
        sys.stderr.write(problem + "\n")
    return 1 if problem else 0


def _web(env: environment.Environment, _: str) -> str | None:
    host = env.ALLOWED_HOSTS.split(",")[0].lstrip(".")
    return _get(f"http://127.0.0.1:{env.WEB_PORT}/healthz", host if host != "*" else "localhost")


def _flower(env: environment.Environment, _: str) -> str | None:
    # In Compose this variable has Flower's name and password; Flower answers nobody without them.
    signed = b64encode(os.environ.get("FLOWER_BASIC_AUTH", "").encode()).decode()
    address = f"http://127.0.0.1:{env.FLOWER_PORT}/healthcheck"
    return _get(address, "localhost", Authorization=f"Basic {signed}")


def _get(url: str, host: str, **headers: str) -> str | None:
    try:
        request = urllib.request.Request(url, headers={"Host": host, **headers})  # noqa: S310 - http, see above
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return None
    except OSError as exc:
        return f"{url}: {exc}"


def _worker(env: environment.Environment, role: str) -> str | None:
    name = f"{role}@{socket.gethostname()}"
    return None if _ask_redis(env, HEARTBEAT_KEY + name) else f"{name} has no heartbeat"


def _beat(env: environment.Environment, _: str) -> str | None:
    swept = _ask_redis(env, SWEPT_KEY)
    if swept and time.time() - float(swept) < max(SWEPT_WITHIN_S, 3 * env.SCANNER_SWEEP_S):
        return None
    return "no sweep lately: beat or the upkeep worker does not work"


def _feed(env: environment.Environment, _: str) -> str | None:
    name = socket.gethostname()
    return None if _ask_redis(env, FEED_KEY + name) else f"the feeds' process of {name} has not said that it lives"


def _ask_redis(env: environment.Environment, key: str) -> bytes | None:
    try:
        with redis.Redis.from_url(env.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as server:
            value: bytes | None = server.get(key)
            return value
    except redis.RedisError as exc:
        sys.stderr.write(f"{exc}\n")
        return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
