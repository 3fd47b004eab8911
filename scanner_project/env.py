"""Every setting that the environment may give: its name, default and meaning, read here and nowhere else.

The README's settings table is checked against this list by a test. A bad value stops the start with a
sentence that names the variable, its value and what is wrong with it.
"""

import math
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scanner_app.domain import retry, tickers
from scanner_app.domain.alert_rules import (
    backlog,
    healthy_share,
    open_breakers,
    slow_database,
    slow_symbol,
    stale_symbol,
    stuck_head,
)

BASE_DIR = Path(__file__).resolve().parent.parent

MAX_SOCKET_PATH = 100
"""Characters a unix socket's path may have (the system's limit is about 107 bytes)."""


RENAMED = {
    "SCANNER_TELL_S": "SCANNER_HEARTBEAT_S",
    "SCANNER_SPARE_PROCESSES": "SCANNER_AUTOSCALE_PROCESSES",
}
"""Renamed settings: the new name by the old one. The old name counts where the new one is not set."""


class BadSetting(ValueError):
    """A value of the environment with which the scanner can't start. The message says what is wrong with it."""


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _comma_separated(value: str) -> str:
    return ",".join(part.strip() for part in value.split(",") if part.strip())


def _shard(value: str) -> str:
    shard, _, shards = value.partition("/")
    if not (shard.isdecimal() and shards.isdecimal() and int(shard) < int(shards)):
        raise ValueError("must be SHARD/SHARDS with SHARD counted from 0, for example 0/1 or 2/4")
    return value


def _delays(value: str) -> str:
    for part in value.split(","):
        try:
            _finite(float(part))
        except ValueError:
            raise ValueError(f"must be numbers separated by commas; {part.strip()!r} is not a number") from None
    return value


def _calendars(value: str) -> str:
    pairs = [part.strip() for part in value.split(",") if part.strip()]
    for pair in pairs:
        # A ticker may have an equals sign (EURUSD=X), a calendar's name has none.
        pattern, _, calendar = pair.rpartition("=")
        if not pattern.strip() or not calendar.strip():
            raise ValueError(
                f"must be PATTERN=CALENDAR, comma-separated, for example BTC*=24/7,*=XNYS; {pair!r} is not"
            )
    return ",".join(pairs)


def _tickers(value: str) -> str:
    return ",".join(tickers.check_pattern(part.strip()) for part in value.split(",") if part.strip())


def _bearer(value: str) -> str:
    if not value.isascii() or any(letter.isspace() for letter in value):
        raise ValueError("must be ASCII without spaces, or no client can send it")
    return value


def _redis_url(value: str) -> str:
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return value


def _ping_url(value: str) -> str:
    if value and not (urlsplit(value).scheme in {"http", "https"} and urlsplit(value).hostname):
        raise ValueError("must be an address that begins with http:// or https://")
    return value


def _database_url(value: str) -> str:
    if value and urlsplit(value).scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ValueError("must begin with postgres:// or sqlite:///")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0), AfterValidator(_finite)]
SecondsOrNone = Annotated[float, Field(ge=0), AfterValidator(_finite)]
Count = Annotated[int, Field(ge=1)]
CommaSeparated = Annotated[str, AfterValidator(_comma_separated)]


SECRETS = {
    "SECRET_KEY",
    "ADMIN_PASSWORD",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SCANNER_NOTIFY_URLS",
    "SCANNER_METRICS_TOKEN",
    "SCANNER_PING_URL",
}
"""Settings that contain passwords or tokens: their values are never shown."""


class Environment(BaseModel):
    """The environment of one process, validated."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    WEB_HOST: str = Field("127.0.0.1", description="address that the pages listen on")
    WEB_PORT: Port = Field(8000, description="port of the API, the admin and the pages")
    FLOWER_PORT: Port = Field(5555, description="port of Flower")
    DATA_DIR: Path = Field(
        Path("var"),
        description="folder of all state: SQLite file, bundled server's files, secret key, logs",
    )
    DATABASE_URL: Annotated[str, AfterValidator(_database_url)] = Field(
        "",
        description="`postgres://user:password@host:port/name` or `sqlite:///path`; empty: SQLite in `DATA_DIR`",
    )
    REDIS_URL: Annotated[str, AfterValidator(_redis_url)] = Field(
        "", description="`redis://…`, `rediss://…` or `unix://…`; empty: the bundled server"
    )
    ADMIN_USER: str = Field("admin", min_length=1, description="first administrator, and Flower's sign-in")
    ADMIN_PASSWORD: str = Field(
        "", description="their password; empty: made up, printed once, kept in `DATA_DIR/admin-password`"
    )
    DEMO: Literal["", "0", "1"] = Field(
        "", description="1: replay the bundled real bars after start; empty: 1 without `DATABASE_URL`, else 0"
    )
    DEBUG: bool = Field(False, description="1: Django's debug pages, for developers only")
    SECRET_KEY: str = Field("", description="Django's secret key; empty: made up, kept in `DATA_DIR`")
    ALLOWED_HOSTS: CommaSeparated = Field(
        "localhost,127.0.0.1,[::1]", description="host names that the pages answer to, comma-separated"
    )
    EMAIL_URL: str = Field(
        "consolemail://", description="mail server, `smtp://user:password@host:port`; default: the log"
    )
    SCANNER_ADMINS: CommaSeparated = Field("", description="mail addresses that get notifications of trouble")
    SCANNER_NOTIFY_URLS: CommaSeparated = Field("", description="apprise URLs that get notifications of trouble")
    SCANNER_DETECTORS: CommaSeparated = Field(
        "scanner_app.detectors.candlesticks.Candlesticks,scanner_app.detectors.wyckoff.Wyckoff",
        description="dotted paths of the detectors, comma-separated; set but empty: none",
    )
    SCANNER_RETRY_DELAYS: Annotated[str, AfterValidator(_delays)] = Field(
        ",".join(map(str, retry.DEFAULT_DELAYS_S)), description="seconds before retry 1, 2, … of a bar"
    )
    SCANNER_BREAKER_THRESHOLD: Count = Field(3, description="failures in a row that open a breaker")
    SCANNER_BREAKER_RECOVERY_S: Seconds = Field(30, description="seconds from open to half-open")
    SCANNER_SOFT_LIMIT_S: Seconds = Field(10, description="seconds after which a run is asked to stop")
    SCANNER_HARD_LIMIT_S: Seconds = Field(15, description="seconds after which a run is killed")
    SCANNER_MAX_BACKLOG: Count = Field(
        100_000, description="waiting bars of one symbol over which its further bars are rejected"
    )
    SCANNER_MAX_SYMBOLS: Count = Field(5_000, description="symbols over which unknown ones are rejected")
    SCANNER_UNKNOWN_SYMBOLS: Literal["create", "reject"] = Field(
        "create", description="what happens to a bar of an unknown symbol: `create` or `reject`"
    )
    SCANNER_PUBLIC_STATUS: bool = Field(False, description="1: status may be read without signing in")
    SCANNER_CALENDARS: Annotated[str, AfterValidator(_calendars)] = Field(
        "*/*=24/7,*USDT=24/7,*-USD=24/7,*=XNYS",
        description="trading calendars by ticker or pattern: the exact ticker, else the first that fits, else 24/7",
    )
    SCANNER_SIGNED_PRICES: Annotated[str, AfterValidator(_tickers)] = Field(
        "",
        description="tickers, or patterns of them such as `CL=F,*-SPREAD`, whose prices may be zero or negative",
    )
    SCANNER_CLOSE_TOLERANCE_S: SecondsOrNone = Field(
        2, description="seconds by which a sender's clock may be ahead before its bar counts as forming"
    )
    SCANNER_ASSUME_AFTER_S: SecondsOrNone = Field(
        60,
        description="seconds after its period that a forming bar waits for its closed values; "
        "without them it is accepted as assumed",
    )
    SCANNER_STALE_GRACE_S: Seconds = Field(
        60,
        description="seconds of trading time after which a missing bar makes its symbol stale; "
        "never less than a twentieth of the timeframe",
    )
    SCANNER_METRICS_TOKEN: Annotated[str, AfterValidator(_bearer)] = Field(
        "",
        description="what Prometheus sends as `Authorization: Bearer …` to read `/metrics`; "
        "empty: only users of the admin may",
    )
    SCANNER_PUBLIC_METRICS: bool = Field(False, description="1: `/metrics` may be read without signing in")
    SCANNER_METRICS_SYMBOLS: Annotated[int, Field(ge=0)] = Field(
        200, description="symbols that have series of their own in `/metrics`, those in trouble first"
    )
    SCANNER_SHARD: Annotated[str, AfterValidator(_shard)] = Field(
        "0/1", description="`k/n`: a worker takes the symbols of shard k of n, counted from 0"
    )
    SCANNER_PREPARED_STATEMENTS: bool = Field(
        True, description="0: PostgreSQL plans every statement again; for a PgBouncer that can't keep them"
    )
    SCANNER_FAULT_INJECTION: bool = Field(False, description="1: `manage.py inject` is allowed")
    SCANNER_MAIN_PROCESSES: Count = Field(8, description="bars that the main worker runs at once")
    SCANNER_SLOW_PROCESSES: Count = Field(4, description="bars that the slow lane's worker runs at once")
    SCANNER_AUTOSCALE_PROCESSES: Annotated[int, Field(ge=0)] = Field(
        16, description="bars that a worker may run beyond its number of processes, while some of its runs hang"
    )
    SCANNER_SLOW_RUN_S: Seconds = Field(1, description="seconds after which a run moves its symbol to the slow lane")
    SCANNER_QUICK_BARS: Count = Field(20, description="quicker bars in a row that bring it back to the main lane")
    SCANNER_KEEP_BARS_DAYS: Annotated[int, Field(ge=0)] = Field(
        0,
        description="days after which processed bars and their signals are forgotten, and older ones refused; 0: never",
    )
    SCANNER_KEEP_RECORDS_DAYS: Annotated[int, Field(ge=0)] = Field(
        90, description="days after which failures, events, alerts and notifications are forgotten; 0: never"
    )
    SCANNER_SWEEP_S: Seconds = Field(2, description="seconds between two looks of the sweeper")
    SCANNER_HEARTBEAT_S: Seconds = Field(2, description="seconds between two heartbeats of a worker")
    SCANNER_LOG_FORMAT: Literal["auto", "json", "text"] = Field(
        "auto", description="form of the logs: `json`, `text`, or `auto`: text on a terminal, else JSON"
    )
    SCANNER_LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="lowest level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`"
    )
    SCANNER_WATCH_S: Annotated[Seconds, Field(le=15)] = Field(
        5, description="seconds between two evaluations of the alert rules, at most 15"
    )
    SCANNER_ALERT_HEALTHY_PERCENT: Annotated[int, Field(ge=1, le=100)] = Field(
        healthy_share.DEFAULT_HEALTHY_PERCENT,
        description="healthy symbols, in percent of the enabled ones, under which an alert fires",
    )
    SCANNER_ALERT_P95_MS: Count = Field(
        slow_symbol.DEFAULT_P95_MS,
        description="a symbol's p95 latency, in ms, over which an alert fires",
    )
    SCANNER_ALERT_OPEN_BREAKERS: Annotated[int, Field(ge=0)] = Field(
        open_breakers.DEFAULT_OPEN_BREAKERS, description="open breakers over which an alert fires"
    )
    SCANNER_ALERT_STALE_S: Seconds = Field(
        stale_symbol.DEFAULT_STALE_S,
        description="seconds of its market's trading time that a symbol may be stale before an alert fires",
    )
    SCANNER_ALERT_STUCK_S: Seconds = Field(
        stuck_head.DEFAULT_STUCK_S,
        description="seconds that a symbol's next bar may wait, while nothing holds it back, before an alert fires",
    )
    SCANNER_ALERT_BACKLOG: Count = Field(
        backlog.DEFAULT_BACKLOG,
        description="waiting bars of one symbol over which an alert fires",
    )
    SCANNER_ALERT_ANSWER_MS: Count = Field(
        slow_database.DEFAULT_ANSWER_MS,
        description="milliseconds over which an answer of database or broker makes an alert fire",
    )
    SCANNER_PING_URL: Annotated[str, AfterValidator(_ping_url)] = Field(
        "",
        description="address that the scanner requests once a minute while all is well, "
        "for a watcher such as healthchecks.io",
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Without secrets, since Django shows its settings, and this object is one of them, on its debug pages."""
        return ((name, "(hidden)" if name in SECRETS else value) for name, value in super().__repr_args__())

    @property
    def data_dir(self) -> Path:
        """`DATA_DIR` as an absolute path. A relative one starts at the top of the repository."""
        return (BASE_DIR / self.DATA_DIR.expanduser()).resolve()

    @property
    def redis_socket(self) -> Path:
        """The bundled server's unix socket: in `DATA_DIR`, or in /tmp if that path is too long."""
        socket = self.data_dir / "redis.sock"
        if len(os.fsencode(socket)) <= MAX_SOCKET_PATH:
            return socket
        return Path(gettempdir()) / f"scanner-{sha256(os.fsencode(socket)).hexdigest()[:16]}.sock"

    @property
    def redis_url(self) -> str:
        """The address of the Redis server, as redis-py writes it."""
        return self.REDIS_URL or f"unix://{self.redis_socket}"

    @property
    def broker_url(self) -> str:
        """The same address as Celery writes it: unix sockets have another form there."""
        parts = urlsplit(self.redis_url)
        if parts.scheme != "unix":
            return self.redis_url
        database = parse_qs(parts.query).get("db", ["0"])[0]
        return f"redis+socket://{parts.path}?virtual_host={database}"

    @property
    def demo(self) -> bool:
        """Whether the bundled bars are replayed after the start."""
        return self.DEMO == "1" or (self.DEMO == "" and not self.DATABASE_URL)


def read(environ: Mapping[str, str] | None = None) -> Environment:
    """The settings of this process.

    `environ` replaces `os.environ` in tests. Raises BadSetting with one sentence for each bad value.
    """
    values: dict[str, Any] = dict(os.environ if environ is None else environ)
    given_as = {new: old for old, new in RENAMED.items() if old in values and new not in values}
    values |= {new: values[old] for new, old in given_as.items()}
    try:
        return Environment.model_validate(values)
    except ValidationError as exc:
        raise BadSetting("\n".join(_sentence(error, given_as) for error in exc.errors())) from None


def _sentence(error: Mapping[str, Any], given_as: Mapping[str, str]) -> str:
    name = given_as.get(str(error["loc"][0]), str(error["loc"][0]))
    shown = "(hidden)" if name in SECRETS else repr(error["input"])
    return f"{name}={shown}: {str(error['msg']).removeprefix('Value error, ')}"
