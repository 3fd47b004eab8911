"""Every setting that the environment may give: its name, default and meaning, read here and nowhere else.

The README's settings table is checked against this list by a test. A bad value stops the start with a
sentence that names the variable, its value and what is wrong with it.
"""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scanner_app.domain import retry
from scanner_app.domain.addresses import bracketed, link_host, web_url
from scanner_app.domain.alert_rules import (
    backlog,
    gap_open,
    healthy_share,
    open_breakers,
    slow_database,
    slow_symbol,
    stale_symbol,
    stuck_head,
)
from scanner_app.domain.calendar_names import DEFAULT_PATTERNS
from scanner_app.feeds.demo_venue.names import ENTRY as DEMO_FEED
from scanner_project import env_values
from scanner_project.env_values import CommaSeparated, Count, Port, Seconds, SecondsOrNone

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


SECRETS = {
    "ALPACA_KEY_ID",
    "ALPACA_SECRET_KEY",
    "SECRET_KEY",
    "SCANNER_CHANNEL_KEY",
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
    PUBLIC_URL: Annotated[str, AfterValidator(env_values.public_url)] = Field(
        "",
        description="address under which people reach the pages, with which every link in a message begins; "
        "with `https://` also secure cookies and HSTS; empty: `http://WEB_HOST:WEB_PORT`",
    )
    TRUSTED_PROXIES: Annotated[str, AfterValidator(env_values.proxies)] = Field(
        "127.0.0.1",
        description="addresses and networks of proxies, comma-separated, "
        "whose `X-Forwarded-For`, `-Proto` and `-Host` are believed",
    )
    FLOWER_PORT: Port = Field(5555, description="port of Flower")
    FLOWER_PUBLIC_URL: Annotated[str, AfterValidator(env_values.public_url)] = Field(
        "", description="address under which people reach Flower through a proxy; empty: `FLOWER_PORT` of `WEB_HOST`"
    )
    DATA_DIR: Path = Field(
        Path("var"),
        description="folder of all state: SQLite file, bundled server's files, secret key, logs",
    )
    DATABASE_URL: Annotated[str, AfterValidator(env_values.database_url)] = Field(
        "",
        description="`postgres://user:password@host:port/name` or `sqlite:///path`; empty: SQLite in `DATA_DIR`",
    )
    REDIS_URL: Annotated[str, AfterValidator(env_values.redis_url)] = Field(
        "", description="`redis://…`, `rediss://…` or `unix://…`; empty: the bundled server"
    )
    ADMIN_USER: str = Field("admin", min_length=1, description="first administrator, and Flower's sign-in")
    ADMIN_PASSWORD: str = Field(
        "", description="their password; empty: made up, printed once, kept in `DATA_DIR/admin-password`"
    )
    DEMO: Literal["", "0", "1", "live"] = Field(
        "",
        description="1: replay the bundled real bars after start; `live`: a venue of our own on this machine plays "
        "them as if they came now; empty: 1 without `DATABASE_URL` and `SCANNER_FEEDS`, else 0",
    )
    DEMO_PORT: Port = Field(8765, description="port of that venue, on 127.0.0.1, with `DEMO=live`")
    DEBUG: bool = Field(False, description="1: Django's debug pages, for developers only")
    SECRET_KEY: Annotated[str, AfterValidator(env_values.secret_key)] = Field(
        "", description="Django's secret key, at least 32 characters; empty: made up, kept in `DATA_DIR`"
    )
    SCANNER_CHANNEL_KEY: Annotated[str, AfterValidator(env_values.channel_keys)] = Field(
        "",
        description="key that encrypts the secrets of channels in the database, at least 32 characters; `NEW,OLD` "
        "changes it; empty: `SECRET_KEY` if that is set, else made up, kept in `DATA_DIR/channel-key`",
    )
    ALLOWED_HOSTS: CommaSeparated = Field(
        "localhost,127.0.0.1,[::1]",
        description="host names that the pages answer to, comma-separated; `PUBLIC_URL`'s is always one",
    )
    EMAIL_URL: Annotated[str, AfterValidator(env_values.mail_server)] = Field(
        "consolemail://", description="mail server, `smtp://user:password@host:port`; default: the log"
    )
    SCANNER_ADMINS: Annotated[str, AfterValidator(env_values.mail_addresses)] = Field(
        "", description="mail addresses that get notifications of trouble"
    )
    SCANNER_NOTIFY_URLS: CommaSeparated = Field("", description="apprise URLs that get notifications of trouble")
    SCANNER_DETECTORS: CommaSeparated = Field(
        "scanner_app.detectors.candlesticks.Candlesticks,scanner_app.detectors.wyckoff.Wyckoff",
        description="dotted paths of the detectors, or `shipped` (all that ship) or `installed`, comma-separated; "
        "set but empty: none",
    )
    SCANNER_DETECTOR_AUTO_OFF: bool = Field(
        False, description="1: a detector that fails on many symbols at once is switched off by itself"
    )
    SCANNER_RETRY_DELAYS: Annotated[str, AfterValidator(env_values.delays)] = Field(
        ",".join(map(str, retry.DEFAULT_DELAYS_S)), description="seconds before retry 1, 2, … of a bar"
    )
    SCANNER_WORTH_HORIZONS: Annotated[str, AfterValidator(env_values.horizons)] = Field(
        "1,5,10,20", description="after how many bars the price is looked at to see what a signal was worth"
    )
    SCANNER_BREAKER_THRESHOLD: Count = Field(3, description="failures in a row that open a breaker")
    SCANNER_BREAKER_RECOVERY_S: Seconds = Field(30, description="seconds from open to half-open")
    SCANNER_SOFT_LIMIT_S: Seconds = Field(10, description="seconds after which a run is asked to stop")
    SCANNER_HARD_LIMIT_S: Seconds = Field(15, description="seconds after which a run is killed")
    SCANNER_MAX_BACKLOG: Count = Field(
        100_000, description="waiting bars of one symbol over which its further bars are rejected"
    )
    SCANNER_MAX_SYMBOLS: Count = Field(50_000, description="symbols over which unknown ones are rejected")
    SCANNER_UNKNOWN_SYMBOLS: Literal["create", "reject"] = Field(
        "create", description="what happens to a bar of an unknown symbol: `create` or `reject`"
    )
    SCANNER_PUBLIC_STATUS: bool = Field(False, description="1: status may be read without signing in")
    SCANNER_FEEDS: Annotated[str, AfterValidator(env_values.feeds)] = Field(
        "",
        description="live feeds, `VENUE:TICKERS@TIMEFRAMES`, separated by semicolons, for example "
        "`binance:BTCUSDT,ETHUSDT@1m+1h`",
    )
    SCANNER_BINANCE_WS_URL: Annotated[str, AfterValidator(env_values.stream_address)] = Field(
        "wss://data-stream.binance.vision", description="address of Binance's streams"
    )
    SCANNER_BINANCE_REST_URL: Annotated[str, Field(min_length=1), AfterValidator(env_values.web_address)] = Field(
        "https://data-api.binance.vision", description="address of Binance's REST API"
    )
    ALPACA_KEY_ID: str = Field("", description="key of an Alpaca account, for the feeds of `alpaca`")
    ALPACA_SECRET_KEY: str = Field("", description="its secret")
    SCANNER_ALPACA_WS_URL: Annotated[str, AfterValidator(env_values.stream_address)] = Field(
        "wss://stream.data.alpaca.markets/v2/iex",
        description="address of Alpaca's stream; its end is the source, `iex` or, with a subscription, `sip`",
    )
    SCANNER_ALPACA_REST_URL: Annotated[str, Field(min_length=1), AfterValidator(env_values.web_address)] = Field(
        "https://data.alpaca.markets", description="address of Alpaca's REST API"
    )
    SCANNER_CALENDARS: Annotated[str, AfterValidator(env_values.calendars)] = Field(
        DEFAULT_PATTERNS,
        description="trading calendars by ticker or pattern: the exact ticker, else the first that fits, else 24/7",
    )
    SCANNER_WEBHOOK_PRIVATE_ADDRESSES: bool = Field(
        False, description="1: channels' webhooks may go to private and loopback addresses"
    )
    SCANNER_SIGNED_PRICES: Annotated[str, AfterValidator(env_values.tickers)] = Field(
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
    SCANNER_DERIVE: Annotated[str, AfterValidator(env_values.derivations)] = Field(
        "",
        description="higher timeframes, up to `1d`, that are made from the smallest one that a symbol is fed: "
        "`1m=5m,15m,1h,1d`; further entries after semicolons; empty: none",
    )
    SCANNER_STALE_GRACE_S: Seconds = Field(
        60,
        description="seconds of trading time after which a missing bar makes its symbol stale; "
        "never less than a twentieth of the timeframe",
    )
    SCANNER_METRICS_TOKEN: Annotated[str, AfterValidator(env_values.bearer)] = Field(
        "",
        description="what Prometheus sends as `Authorization: Bearer …` to read `/metrics`; "
        "empty: only users of the admin may",
    )
    SCANNER_PUBLIC_METRICS: bool = Field(False, description="1: `/metrics` may be read without signing in")
    SCANNER_METRICS_SYMBOLS: Annotated[int, Field(ge=0)] = Field(
        200, description="symbols that have series of their own in `/metrics`, those in trouble first"
    )
    SCANNER_SHARD: str = Field("", description="retired: accepted with a warning, does nothing")
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
        90,
        description="days after which failures, events, alerts, notifications and the old values of revised bars are "
        "forgotten; 0: never",
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
    SCANNER_ALERT_GAP_S: Seconds = Field(
        gap_open.DEFAULT_GAP_S,
        description="seconds that a hole in a live feed's series may stay open before an alert fires",
    )
    SCANNER_PING_URL: Annotated[str, AfterValidator(env_values.web_address)] = Field(
        "",
        description="address that the scanner requests once a minute while all is well, "
        "for a watcher such as healthchecks.io",
    )
    SCANNER_DRILL_AT: Annotated[str, AfterValidator(env_values.time_of_day)] = Field(
        "",
        description="time of day (UTC) of a daily drill of the alarm path, such as `03:30`; empty: none",
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
    def public_url(self) -> str:
        """The address under which people reach the pages, without a slash at its end."""
        return self.PUBLIC_URL.rstrip("/") or web_url(link_host(self.WEB_HOST), self.WEB_PORT)

    @property
    def allowed_hosts(self) -> list[str]:
        """The host names that the pages answer to: those of ALLOWED_HOSTS and PUBLIC_URL's."""
        hosts = self.ALLOWED_HOSTS.split(",")
        public = bracketed(urlsplit(self.public_url).hostname or "")
        return hosts if public in hosts else [*hosts, public]

    @property
    def demo(self) -> bool:
        """Whether the bundled bars are replayed after the start."""
        return self.DEMO == "1" or (self.DEMO == "" and not self.DATABASE_URL and not self.SCANNER_FEEDS)

    @property
    def feeds(self) -> str:
        """All live feeds: those of SCANNER_FEEDS, and with DEMO=live that of the demo."""
        return "; ".join(filter(None, [self.SCANNER_FEEDS, DEMO_FEED if self.DEMO == "live" else ""]))


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


ALIKE = 0.85
"""Share of two names that must be the same for one to be the other misspelt: a letter or two may be wrong."""


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that is nearly the name of a setting, and so does nothing.

    Other names that begin as ours do are somebody's own, such as those of Compose and of the tests.
    """
    known = {*Environment.model_fields, *RENAMED}
    others = sorted(name for name in environ if name.startswith("SCANNER_") and name not in known)
    return [
        f"{name} is no setting; did you mean {meant}?"
        for name in others
        for meant in get_close_matches(name, known, n=1, cutoff=ALIKE)
    ]


def _sentence(error: Mapping[str, Any], given_as: Mapping[str, str]) -> str:
    name = given_as.get(str(error["loc"][0]), str(error["loc"][0]))
    shown = "(hidden)" if name in SECRETS else repr(error["input"])
    return f"{name}={shown}: {str(error['msg']).removeprefix('Value error, ')}"
