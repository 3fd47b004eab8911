"""Django's settings. What may differ between two installations is read in `env.py`."""

import secrets
import sys
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from scanner_app import files
from scanner_app.domain import derivations
from scanner_app.domain.feed_entries import parse_feeds
from scanner_app.domain.worker_roles import Role
from scanner_app.messaging import task_names
from scanner_project import env as _env
from scanner_project.logs import logging_config
from scanner_project.version import VERSION

django_stubs_ext.monkeypatch()

try:
    ENV = _env.read()
except _env.BadSetting as bad:
    sys.exit(f"The scanner can't start: {bad}")

BASE_DIR = _env.BASE_DIR
DATA_DIR = ENV.data_dir
DEBUG = ENV.DEBUG
DEFAULT_EXCEPTION_REPORTER = "scanner_project.debug_pages.Reporter"


def _kept_secret(path: Path, so_what: str) -> str:
    """A random secret that stays the same after a restart: it is kept in a file that only its owner can read.

    `so_what`: what follows when the file was lost and is made anew.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = files.keep(path, lambda: secrets.token_urlsafe(50), lambda text: len(text) >= 32 and text.isprintable())
    except OSError as exc:
        sys.exit(f"The scanner can't start: DATA_DIR={path.parent}: {exc.strerror or exc}")
    if kept.was_broken:
        sys.stderr.write(f"{path} was broken and was made anew: {so_what}.\n")
    return kept.text


SECRET_KEY = ENV.SECRET_KEY or _kept_secret(DATA_DIR / "secret-key", "everybody has to sign in again")
# The first seals channels' secrets, all of them open what was sealed. Never the kept SECRET_KEY: who deletes that file
# to sign everybody out would lose the channels, too.
SCANNER_CHANNEL_KEYS = (
    ENV.SCANNER_CHANNEL_KEY.split(",")
    if ENV.SCANNER_CHANNEL_KEY
    else [ENV.SECRET_KEY or _kept_secret(DATA_DIR / "channel-key", "the channels' addresses have to be set again")]
)
ALLOWED_HOSTS = ENV.allowed_hosts

PUBLIC_URL = ENV.public_url
TRUSTED_PROXIES = ENV.TRUSTED_PROXIES
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "scanner_app.pages.refused.csrf_failure"
if PUBLIC_URL.startswith("https://"):
    # Whether a request came by https is the middleware's to say: TrustedProxiesMiddleware.
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000
    SILENCED_SYSTEM_CHECKS = [
        "security.W005",  # HSTS for all subdomains, and
        "security.W021",  # preloaded by browsers: both bind more than this host, which is the domain owner's to decide
        "security.W008",  # the proxy redirects to https; feeds, probes and Prometheus on this machine may use http
    ]

INSTALLED_APPS = [
    "scanner_project.apps.ScannerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "scanner_app",
]

MIDDLEWARE = [
    "scanner_app.middleware.RequestIdMiddleware",  # first: what the others log and answer has the id too
    "scanner_app.middleware.PolicyMiddleware",
    "scanner_app.middleware.TrustedProxiesMiddleware",  # before all that ask for host, scheme or client
    "scanner_app.middleware.SignInLimitMiddleware",  # before what costs time
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",  # the ETag of status and lists
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "scanner_project.urls"
WSGI_APPLICATION = "scanner_project.wsgi.application"
SESSION_ENGINE = "scanner_project.sessions"
APPEND_SLASH = False  # both spellings of a path are routes of their own: a POST can't be redirected

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scanner_app.access.roles.for_templates",
                "scanner_app.pages.version.for_templates",
            ],
        },
    }
]

_database = environ.Env.db_url_config(ENV.DATABASE_URL or f"sqlite:///{DATA_DIR / 'scanner.sqlite3'}")
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: otherwise a transaction that reads and then writes may fail at once with "database is locked",
    # whatever the timeout (when measured, 64 % did). FULL: an accepted bar is on the disk before its sender gets the
    # answer. Workers use NORMAL instead (celery.py).
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; PRAGMA cache_size=-20000"
        ),
    }
else:
    # These notice a dead server within seconds, but do not limit how long a statement may take.
    _database["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # ms
        # Where a statement asks for it (scanner_app/mailbox/statements.py); Django's own never do.
        "prepare_threshold": 5 if ENV.SCANNER_PREPARED_STATEMENTS else None,
        **_database.get("OPTIONS", {}),
    }
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["scanner_app.accounts.passwords.LimitedBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000  # 5,000 bars are about 1 MB; pretty-printed with other keys, some more

FILE_UPLOAD_PERMISSIONS = None  # as the umask says, also of static files; Django would let everybody read them
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "scanner_project.statics.StaticFiles"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # Token first: its WWW-Authenticate header makes "not signed in" a 401.
        "scanner_app.api.authentication.ScopedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Closed by default: @action(permission_classes=...) is applied by the router only.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "scanner_app.api.openapi.Schema",
    "EXCEPTION_HANDLER": "scanner_app.api.errors.handle",
    "DATETIME_FORMAT": "iso-8601",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Market scanner",
    "DESCRIPTION": "Bars in; signals, status and faults out. No symbol waits for another.",
    "VERSION": VERSION,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {  # all have a field `state`
        "DetectorStateEnum": ["on", "off", "probing"],
        "FeedStateEnum": ["live", "catching_up", "silent", "down"],
        "GapStateEnum": ["open", "refilled", "empty", "given_up"],
        "AlertStateEnum": "scanner_app.domain.enums.AlertState",
        "SymbolStateEnum": ["processing", "paused", "failed"],
    },
    "SCHEMA_PATH_PREFIX": r"/api/v1/(scanner/)?",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

vars().update(environ.Env.email_url_config(ENV.EMAIL_URL))
ADMINS = [(address, address) for address in ENV.SCANNER_ADMINS.split(",") if address]
EMAIL_SUBJECT_PREFIX = "[Scanner] "
_mail_user = str(vars().get("EMAIL_HOST_USER") or "")
# Many servers refuse Django's root@localhost: the account's own address, else the first administrator's.
SERVER_EMAIL = _mail_user if "@" in _mail_user else next((address for _, address in ADMINS), "scanner@localhost")
SCANNER_NOTIFY_URLS = [url for url in ENV.SCANNER_NOTIFY_URLS.split(",") if url]
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(ENV.SCANNER_LOG_FORMAT, ENV.SCANNER_LOG_LEVEL)

# ---------------------------------------------------------------------------------- the scanner

REDIS_URL = ENV.redis_url
SCANNER_DETECTORS = [path for path in ENV.SCANNER_DETECTORS.split(",") if path]
SCANNER_DETECTOR_AUTO_OFF = ENV.SCANNER_DETECTOR_AUTO_OFF
SCANNER_WORTH_HORIZONS = sorted({int(bars) for bars in ENV.SCANNER_WORTH_HORIZONS.split(",")})
SCANNER_RETRY_DELAYS = [float(delay) for delay in ENV.SCANNER_RETRY_DELAYS.split(",")]
SCANNER_BREAKER_THRESHOLD = ENV.SCANNER_BREAKER_THRESHOLD
SCANNER_BREAKER_RECOVERY_S = ENV.SCANNER_BREAKER_RECOVERY_S
SCANNER_SOFT_LIMIT_S = ENV.SCANNER_SOFT_LIMIT_S
SCANNER_HARD_LIMIT_S = ENV.SCANNER_HARD_LIMIT_S
SCANNER_MAX_BACKLOG = ENV.SCANNER_MAX_BACKLOG
SCANNER_MAX_SYMBOLS = ENV.SCANNER_MAX_SYMBOLS
SCANNER_UNKNOWN_SYMBOLS = ENV.SCANNER_UNKNOWN_SYMBOLS
SCANNER_PUBLIC_STATUS = ENV.SCANNER_PUBLIC_STATUS
SCANNER_FEEDS = parse_feeds(ENV.feeds)
# 0: there is no such venue.
SCANNER_DEMO_PORT = ENV.DEMO_PORT if ENV.DEMO == "live" else 0
SCANNER_BINANCE_WS_URL = ENV.SCANNER_BINANCE_WS_URL
SCANNER_BINANCE_REST_URL = ENV.SCANNER_BINANCE_REST_URL
ALPACA_KEY_ID = ENV.ALPACA_KEY_ID
ALPACA_SECRET_KEY = ENV.ALPACA_SECRET_KEY
SCANNER_ALPACA_WS_URL = ENV.SCANNER_ALPACA_WS_URL
SCANNER_ALPACA_REST_URL = ENV.SCANNER_ALPACA_REST_URL
SCANNER_CALENDARS = [
    (pattern.strip().upper(), calendar.strip())
    for pattern, _, calendar in (pair.rpartition("=") for pair in ENV.SCANNER_CALENDARS.split(",") if pair)
]
SCANNER_WEBHOOK_PRIVATE_ADDRESSES = ENV.SCANNER_WEBHOOK_PRIVATE_ADDRESSES
SCANNER_SIGNED_PRICES = [pattern for pattern in ENV.SCANNER_SIGNED_PRICES.split(",") if pattern]
SCANNER_CLOSE_TOLERANCE_S = ENV.SCANNER_CLOSE_TOLERANCE_S
SCANNER_ASSUME_AFTER_S = ENV.SCANNER_ASSUME_AFTER_S
SCANNER_DERIVE = derivations.with_feeds(derivations.read(ENV.SCANNER_DERIVE), SCANNER_FEEDS)
SCANNER_STALE_GRACE_S = ENV.SCANNER_STALE_GRACE_S
SCANNER_METRICS_TOKEN = ENV.SCANNER_METRICS_TOKEN
SCANNER_PUBLIC_METRICS = ENV.SCANNER_PUBLIC_METRICS
SCANNER_METRICS_SYMBOLS = ENV.SCANNER_METRICS_SYMBOLS
SCANNER_SHARD = ENV.SCANNER_SHARD
SCANNER_PREPARED_STATEMENTS = ENV.SCANNER_PREPARED_STATEMENTS
SCANNER_FAULT_INJECTION = ENV.SCANNER_FAULT_INJECTION
SCANNER_AUTOSCALE_PROCESSES = ENV.SCANNER_AUTOSCALE_PROCESSES
SCANNER_SLOW_RUN_S = ENV.SCANNER_SLOW_RUN_S
SCANNER_QUICK_BARS = ENV.SCANNER_QUICK_BARS
SCANNER_KEEP_BARS_DAYS = ENV.SCANNER_KEEP_BARS_DAYS
SCANNER_KEEP_RECORDS_DAYS = ENV.SCANNER_KEEP_RECORDS_DAYS
SCANNER_SWEEP_S = ENV.SCANNER_SWEEP_S
SCANNER_HEARTBEAT_S = ENV.SCANNER_HEARTBEAT_S
SCANNER_WATCH_S = ENV.SCANNER_WATCH_S
SCANNER_ALERT_HEALTHY_PERCENT = ENV.SCANNER_ALERT_HEALTHY_PERCENT
SCANNER_ALERT_P95_MS = ENV.SCANNER_ALERT_P95_MS
SCANNER_ALERT_OPEN_BREAKERS = ENV.SCANNER_ALERT_OPEN_BREAKERS
SCANNER_ALERT_STALE_S = ENV.SCANNER_ALERT_STALE_S
SCANNER_ALERT_STUCK_S = ENV.SCANNER_ALERT_STUCK_S
SCANNER_ALERT_BACKLOG = ENV.SCANNER_ALERT_BACKLOG
SCANNER_ALERT_ANSWER_MS = ENV.SCANNER_ALERT_ANSWER_MS
SCANNER_ALERT_GAP_S = ENV.SCANNER_ALERT_GAP_S
SCANNER_PING_URL = ENV.SCANNER_PING_URL
SCANNER_DRILL_AT = ENV.SCANNER_DRILL_AT
FLOWER_URL = ENV.FLOWER_PUBLIC_URL.rstrip("/") or f"http://{ENV.WEB_HOST}:{ENV.FLOWER_PORT}"
SCANNER_PUBLISH_CONNECTIONS = 16  # of kombu, for all but heads; as many as the web server has threads: none waits
SCANNER_LONGEST_WAIT_S = max([*SCANNER_RETRY_DELAYS, SCANNER_BREAKER_RECOVERY_S])

# Celery. Why each is as it is was measured: docs/decisions/celery.md.
CELERY_BROKER_URL = ENV.broker_url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "priority_steps": [0],
    # The longest time from delivery to acknowledgement. After that the broker delivers a message again.
    "visibility_timeout": int(SCANNER_LONGEST_WAIT_S + SCANNER_HARD_LIMIT_S + 60),
    # With kombu's defaults the messages of a lost worker would be restored every 10 x 10 = 100 s.
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_ACKS_LATE = True
# If this were on, a bar that kills its process would be requeued at once, without limit and without a record.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False  # one try: the sweeper redelivers what was lost
CELERY_TASK_SEND_SENT_EVENT = True  # Flower shows queues only with it
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_DEFAULT_QUEUE = Role.UPKEEP.value
CELERY_WORKER_CONSUMER = "scanner_app.workers.consumer:Consumer"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "scanner_app.workers.schedule:Scheduler"
DERIVE_SCHEDULE = (
    {
        "derive": {
            "task": task_names.DERIVE,
            "schedule": 10.0,  # of the grace, which is a minute and a half, little
            "options": {"queue": Role.UPKEEP.value, "expires": 10.0},
        }
    }
    if SCANNER_DERIVE
    else {}
)
DRILL_SCHEDULE = (
    {
        "drill": {
            "task": task_names.DRILL,
            "schedule": 5.0,  # a look at some twenty rows, and only while a drill runs or is due
            "options": {"queue": Role.UPKEEP.value, "expires": 5.0},
        }
    }
    if SCANNER_DRILL_AT
    else {}
)
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": task_names.SWEEP,
        "schedule": SCANNER_SWEEP_S,
        # A late sweep is useless, since the next one is already due.
        "options": {"queue": Role.UPKEEP.value, "expires": SCANNER_SWEEP_S},
    },
    "assume": {
        "task": task_names.ASSUME,
        "schedule": 5.0,  # of the grace, which is a minute, little; and half of what forming values may be behind
        "options": {"queue": Role.UPKEEP.value, "expires": 5.0},
    },
    **DERIVE_SCHEDULE,
    **DRILL_SCHEDULE,
    "enable due": {
        "task": task_names.ENABLE_DUE,
        "schedule": 5.0,
        "options": {"queue": Role.UPKEEP.value, "expires": 5.0},
    },
    "deliver": {
        "task": task_names.DELIVER,
        "schedule": 10.0,  # for notifications whose trigger was lost, and for those that are due for another try
        "options": {"queue": Role.NOTIFY.value, "expires": 10.0},
    },
    "tell": {
        "task": task_names.TELL,
        "schedule": 2.0,  # the longest that a hit waits: nothing is published for it in its bar's way
        "options": {"queue": Role.HITS.value, "expires": 2.0},
    },
    "count gaps": {
        "task": task_names.COUNT_GAPS,
        "schedule": 60.0,  # gaps are only shown to people, so a count that is a minute old is good enough
        "options": {"queue": Role.UPKEEP.value, "expires": 60.0},
    },
    "watch": {
        "task": task_names.WATCH,
        "schedule": SCANNER_WATCH_S,
        "kwargs": {"by": "beat"},
        "options": {"queue": Role.UPKEEP.value, "expires": SCANNER_WATCH_S},
    },
    "ping": {
        "task": task_names.PING,
        "schedule": 60.0,  # as often as watchers such as healthchecks.io accept
        "options": {"queue": Role.NOTIFY.value, "expires": 60.0},
    },
    "prune": {
        "task": task_names.PRUNE,
        "schedule": 10.0,  # at most half a second each, which is some 5,000 bars
        "options": {"queue": Role.UPKEEP.value, "expires": 10.0},
    },
    "rerun": {
        "task": task_names.RERUN,
        "schedule": 2.0,  # at most 0.4 s each: a fifth of a processor
        "options": {"queue": Role.RERUN.value, "expires": 2.0},
    },
    "watch detectors": {
        "task": task_names.WATCH_DETECTORS,
        "schedule": 2.0,  # breakers open after 3 s: until then it is known whether that is one detector's fault
        "options": {"queue": Role.UPKEEP.value, "expires": 2.0},
    },
    "probe detectors": {
        "task": task_names.PROBE_DETECTORS,
        "schedule": 5.0,  # of a recovery time, which is 30 s or more, little
        "options": {"queue": Role.RERUN.value, "expires": 5.0},
    },
    "compute worth": {
        "task": task_names.COMPUTE_WORTH,
        "schedule": 5.0,  # at most a second each, once a day until all is done: re-runs go on meanwhile
        "options": {"queue": Role.RERUN.value, "expires": 5.0},
    },
    "remove rows": {
        "task": task_names.REMOVE_ROWS,
        "schedule": 2.0,
        "options": {"queue": Role.UPKEEP.value, "expires": 2.0},
    },
}
