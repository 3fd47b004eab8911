"""The Celery application; its settings are the CELERY_ ones of Django's."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_process_init
from django.db.backends.signals import connection_created

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")

app = Celery("scanner")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["scanner_app"])


@app.on_after_configure.connect
def _keep_connections(sender: Celery, **_: Any) -> None:
    """Celery closes the database connection before and after every task: kept, it is twice the bars/s."""
    sender.conf["CELERY_DB_REUSE_MAX"] = 1000


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Keep Django's LOGGING: having a receiver here stops Celery from putting its own in place."""


@worker_init.connect
def _add_our_steps(**_: Any) -> None:
    # Imported here, since they need Django's models.
    from scanner_app.workers.queues import FollowQueues  # noqa: PLC0415
    from scanner_app.workers.tells import Tells  # noqa: PLC0415
    from scanner_app.workers.watchdog import Watchdog  # noqa: PLC0415

    app.steps["consumer"].update({FollowQueues, Tells, Watchdog})
    _relax_durability()


@worker_process_init.connect
def _in_child(**_: Any) -> None:
    _relax_durability()


def _relax_durability() -> None:
    connection_created.connect(_commit_without_waiting, dispatch_uid="commit_without_waiting")


def _commit_without_waiting(connection: Any, **_: Any) -> None:
    """Workers accept no bars, so their commits don't wait for the disk: what a power cut takes back is run again.

    Either database keeps the order of its commits, so a completion is lost together with all that follows it.
    """
    statement = {"sqlite": "PRAGMA synchronous=NORMAL", "postgresql": "SET synchronous_commit = off"}
    with connection.cursor() as cursor:
        cursor.execute(statement[connection.vendor])
