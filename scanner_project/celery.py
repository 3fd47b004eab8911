"""The Celery application, and what is set up in each worker process.

Celery's settings are those in scanner_project/settings.py that begin with CELERY_.
"""

import faulthandler
import gc
import logging
import os
from contextlib import suppress
from importlib import import_module
from typing import Any

import structlog
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery
from celery.apps import worker
from celery.signals import setup_logging, task_failure, worker_init, worker_process_init, worker_ready
from django.conf import settings
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

from scanner_app.domain.worker_roles import LANE_ROLES, Role, role_of
from scanner_app.messaging import transport
from scanner_app.telemetry import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
# Celery would run Django's checks in each worker and ignore what they find. They import the whole API: 40 MB.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

log = structlog.get_logger(__name__)

RERUN_NICENESS = 10
"""Lowers the priority of what looks at old bars again: live bars go first on a busy machine."""

pulse.start()  # in every process that `make up` starts: all of them import this module
transport.install()
app = Celery("scanner")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["scanner_app"])


@app.on_after_configure.connect
def _keep_connections(sender: Celery, **_: Any) -> None:
    """Keep the database connection. Celery closes it before and after each task; keeping it doubles the bars/s."""
    sender.conf["CELERY_DB_REUSE_MAX"] = 1000


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Keep Django's LOGGING: if this signal has a receiver, Celery does not set up its own logging."""


@worker_init.connect
def _add_our_steps(**_: Any) -> None:
    # Imported here, since they need Django's models.
    from scanner_app.workers.autoscale import Autoscale  # noqa: PLC0415
    from scanner_app.workers.beat_backup import BeatBackup  # noqa: PLC0415
    from scanner_app.workers.children import ChildrenStep, end_soon  # noqa: PLC0415
    from scanner_app.workers.heartbeat import HeartbeatStep  # noqa: PLC0415
    from scanner_app.workers.serving import prepare  # noqa: PLC0415
    from scanner_app.workers.watchdog import Watchdog  # noqa: PLC0415

    prepare()
    end_soon()
    app.steps["consumer"].update({Autoscale, ChildrenStep, HeartbeatStep, BeatBackup, Watchdog})
    # Celery writes "worker: Warm shutdown" straight to the terminal, and has no setting for that.
    worker.safe_say = lambda text, *_: log.info("worker_says", text=text)  # type: ignore[attr-defined] # stubs lack it
    if _runs_detectors():
        # Importing TA-Lib and NumPy takes a tenth of a second and 30 MB: once here, instead of in each child.
        import_module("scanner_app.engine.runs")
        import_module("scanner_app.detectors.ta_lib")
        from scanner_app.detectors.loading import DetectorError, expanded  # noqa: PLC0415 - as above

        with suppress(DetectorError):  # reported by the check at the start, and again with each bar
            for path in expanded(settings.SCANNER_DETECTORS):
                with suppress(ImportError):  # likewise
                    import_string(path)
    _relax_durability()
    # The collector would write into every object that a child shares with its parent, and so copy it.
    gc.collect()
    gc.freeze()


@worker_ready.connect
def _sweep_at_once(**_: Any) -> None:
    """A worker has started, perhaps in place of a lost one: have the sweeper redeliver at once what that one held."""
    from scanner_app.messaging.publisher import publish_sweep  # noqa: PLC0415 - as above
    from scanner_app.workers.serving import begin  # noqa: PLC0415 - as above

    begin()
    publish_sweep(expires_s=settings.SCANNER_SWEEP_S)


@worker_process_init.connect
def _in_child(**_: Any) -> None:
    _relax_durability()
    faulthandler.enable(file=2)  # a crash in C code leaves its Python stack in the log; 2 is standard error
    if role_of(app.amqp.queues.consume_from) is Role.RERUN:
        os.nice(RERUN_NICENESS)
    if _runs_detectors():
        # The first bar of a process would else wait for these; each bar reports what is wrong with them.
        from scanner_app.detectors import DetectorError  # noqa: PLC0415
        from scanner_app.engine import detection  # noqa: PLC0415 - as above

        with suppress(DetectorError):
            detection.bars_needed()
    with suppress(OperationalError):
        connections["default"].ensure_connection()
    # What a detector prints becomes a log line with its symbol and bar.
    app.log.redirect_stdouts(logging.INFO, name="printed")


def _runs_detectors() -> bool:
    return role_of(app.amqp.queues.consume_from) in {*LANE_ROLES, Role.RERUN}


def _relax_durability() -> None:
    connection_created.connect(_commit_without_waiting, dispatch_uid="commit_without_waiting")


def _commit_without_waiting(connection: Any, **_: Any) -> None:
    """Commit without waiting for the disk. What a power cut undoes is done again: runs, assumed and derived bars.

    Both databases keep the order of commits, so a completion is undone only together with all that follows it.
    On SQLite the wait for the lock ends well before the time limit, so that it counts as an outage and not as a hung
    run.
    """
    patience_ms = int(settings.SCANNER_SOFT_LIMIT_S * 1000 / 3)
    statements = {
        "sqlite": ["PRAGMA synchronous=NORMAL", f"PRAGMA busy_timeout={patience_ms}"],
        "postgresql": ["SET synchronous_commit = off"],
    }
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


@task_failure.connect
def _note_unexpected(sender: Any, exception: BaseException, task_id: str, **_: Any) -> None:
    """Note a task that raised, for the alerts. Failures of bars are the mailbox's, outages have rules of their own.

    A task that was killed with its process is told by the worker's parent, which keeps no database connection and
    forks: it has the upkeep worker note it.
    """
    from scanner_app.alerts import unexpected  # noqa: PLC0415 - needs the models
    from scanner_app.domain.errors import BarFailed  # noqa: PLC0415 - as above
    from scanner_app.messaging import publisher, task_names  # noqa: PLC0415 - as above
    from scanner_app.workers.outages import AWAY  # noqa: PLC0415 - as above
    from scanner_app.workers.requests import is_stopping  # noqa: PLC0415 - as above

    if isinstance(exception, (BarFailed, *AWAY)):
        return
    if not isinstance(exception, (WorkerLostError, TimeLimitExceeded)):
        unexpected.note_task(sender.name, exception)
    elif not is_stopping() and sender.name not in {task_names.PROCESS_HEAD, task_names.CONTROL_RUN}:
        publisher.publish_killed_task(sender.name, task_id, f"{type(exception).__name__}: {exception}")


@task_failure.connect
def _drop_broken_connections(**_: Any) -> None:
    """Close connections that the server has ended, so that the next task opens new ones.

    That a connection has ended shows only when it is used. Celery would close it before each task, but does not with
    CELERY_DB_REUSE_MAX.
    """
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
