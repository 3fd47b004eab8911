"""On which databases is measured: SQLite, a PostgreSQL server of our own, or one that is given."""

from collections.abc import Iterator
from contextlib import contextmanager

from scanner_app.tools.chaos.stack import OwnDatabase

HELP = "sqlite, postgresql (a server of our own), or the URL of a server with a user who may create databases"


def servers(given: str) -> dict[str, str]:
    """The URL of the server of each kind of database; empty: SQLite. `both`: both kinds."""
    kinds = ("sqlite", "postgresql") if given == "both" else (given,)
    return {_kind(one): _url(one) for one in kinds}


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database of one measurement; empty for SQLite, of which each makes its own file."""
    if not server_url:
        yield ""
        return
    database = OwnDatabase(server_url)
    try:
        yield database.url
    finally:
        database.drop()


def _kind(given: str) -> str:
    return "sqlite" if given in {"", "sqlite"} else "postgresql"


def _url(given: str) -> str:
    if given == "postgresql":
        from tests.servers import postgresql_url  # noqa: PLC0415 - it is started at the first call, and ends with us

        return postgresql_url()
    return "" if given == "sqlite" else given
