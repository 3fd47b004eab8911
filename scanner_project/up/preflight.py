"""Checks before anything is started. A failed one ends the start with one sentence."""

import errno
import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

import redis

from scanner_project.env import Environment
from scanner_project.up.errors import CannotStart

PLAIN_PATH = re.compile(r"[\w./@+,~-]+")

OURS = {"up.lock", "secret-key", "channel-key", "admin-password", "scanner.sqlite3", "metrics", "benchmarks"}
"""Files and folders of which a scanner's DATA_DIR has one: `make up`, any command, or `make bench` has made them."""

ROOM = 1_000_000
"""Bytes that there must be room for at a start: less is soon full."""

REDIS_PATIENCE_S = 5.0
"""Longest wait for the answer of a server that was named by REDIS_URL."""


def writable_data_dir(data_dir: Path) -> None:
    """Make DATA_DIR and its folder of logs, and check that files can be written there."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(exist_ok=True)
        probe = data_dir / f".writable-{os.getpid()}"
        try:
            probe.write_bytes(bytes(ROOM))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as exc:
        # If the name is that of a file, mkdir says "File exists", which does not explain the problem.
        reason = "it is a file" if data_dir.is_file() else exc.strerror or exc
        raise CannotStart(f"DATA_DIR={data_dir} can't be written to ({reason}); choose another folder.") from exc


def make_private(data_dir: Path) -> str:
    """See to it that only we can read DATA_DIR: it holds keys and passwords.

    Returns a sentence if it had to be put right. Raises CannotStart if the folder is not ours: it belongs to another
    user, or holds something else (DATA_DIR=/tmp).
    """
    try:
        seen = data_dir.stat()
    except OSError:  # it is made later, or that fails with its own reason
        return ""
    if not stat.S_IMODE(seen.st_mode) & 0o077:
        return ""
    mode = f"{stat.S_IMODE(seen.st_mode):o}"
    if seen.st_uid != os.geteuid():
        raise CannotStart(
            f"DATA_DIR={data_dir} can be read by others (mode {mode}) and belongs to another user; choose another "
            "folder, or give it to the user who starts the scanner."
        )
    there = {file.name for file in data_dir.iterdir()} - {"logs", "lost+found"}
    if there and not there & OURS:
        raise CannotStart(
            f"DATA_DIR={data_dir} can be read by others (mode {mode}) and holds files that are not the scanner's; "
            "choose a folder of its own."
        )
    data_dir.chmod(0o700)
    for folder, _, names in os.walk(data_dir):
        for file in (Path(folder), *(Path(folder, name) for name in names)):
            if not file.is_symlink():
                file.chmod(stat.S_IMODE(file.stat().st_mode) & ~0o077)
    return f"DATA_DIR={data_dir} could be read by others (mode {mode}); now by its owner alone (700)."


def plain_path(env: Environment) -> None:
    """Check that URLs can name the files in DATA_DIR: Celery, redis-py and django-environ get them as URLs."""
    in_urls = [env.redis_socket] if not env.REDIS_URL else []
    in_urls += [env.data_dir] if not env.DATABASE_URL else []
    if not all(PLAIN_PATH.fullmatch(str(path)) for path in in_urls):
        raise CannotStart(
            f"DATA_DIR={env.data_dir} has a blank or an odd character in its path, which can't be part of an "
            "address; choose another folder."
        )


@contextmanager
def only_run(data_dir: Path) -> Iterator[None]:
    """Lock DATA_DIR for this run. The lock ends with the process, however the process ends."""
    file = data_dir / "up.lock"
    with file.open("a+b", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.seek(0)
            pid = lock.read().decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"a scanner is running in DATA_DIR={data_dir} already (process {pid}); stop it, or choose "
                "another DATA_DIR, WEB_PORT and FLOWER_PORT for a second one."
            ) from exc
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        yield


def free_ports(env: Environment) -> None:
    """Check that the web server, Flower and the demo's venue can listen on their ports."""
    ports = {"WEB_PORT": env.WEB_PORT, "FLOWER_PORT": env.FLOWER_PORT}
    if env.DEMO == "live":
        ports["DEMO_PORT"] = env.DEMO_PORT
    for (one, port), (other, same) in combinations(ports.items(), 2):
        if port == same:
            raise CannotStart(f"{one} and {other} are both {port}; choose another for one of them.")
    for name, port in ports.items():
        _free_port("127.0.0.1" if name == "DEMO_PORT" else env.WEB_HOST, name, port)


def _free_port(host: str, name: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as exc:
        raise CannotStart(f"WEB_HOST={host} is no address of this machine ({exc}).") from exc
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: old connections don't count
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError as exc:
            raise CannotStart(f"{name}={port} may not be used by this user; choose one above 1023.") from exc
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(f"WEB_HOST={host} is no address of this machine.") from exc
            raise CannotStart(
                f"{name}={port} on {host} can't be listened on ({exc.strerror}); choose another, "
                f"for example: make up {name}={port + 1}"
            ) from exc


def redis_answers(env: Environment) -> None:
    """Check that the server of REDIS_URL answers. The bundled server is not running yet, and is not checked."""
    if not env.REDIS_URL:
        return
    try:
        with redis.Redis.from_url(
            env.redis_url, socket_timeout=REDIS_PATIENCE_S, socket_connect_timeout=REDIS_PATIENCE_S
        ) as server:
            server.ping()
    except (redis.RedisError, OSError, ValueError) as exc:
        raise CannotStart(f"the server of REDIS_URL ({shown(env.REDIS_URL)}) does not answer: {exc}") from exc


def shown(url: str) -> str:
    """A URL's host, port and path, without user and password."""
    parts = urlsplit(url)
    # sqlite:////a/b has the path //a/b: the first slash only ends the host
    path = parts.path if parts.netloc else parts.path.replace("//", "/", 1)
    return f"{parts.netloc.rpartition('@')[2]}{path}"
