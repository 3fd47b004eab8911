"""What is done before anything runs: checks, tables, static files, the administrator."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import django

from scanner_project.env import Environment
from scanner_project.up import preflight
from scanner_project.up.errors import CannotStart
from scanner_project.up.terminal import Screen

if TYPE_CHECKING:
    from scanner_app.management.first_admin import Account


def prepare(env: Environment, screen: Screen) -> "Account":
    """Set up Django, run its checks, make tables, static files and administrator. Needs the database, no broker."""
    _set_up_django(env)
    # In a process of its own, with which the memory goes that all this takes: 70 MB, mostly the modules of the API.
    # It ignores Ctrl-C, which comes to us too: a migration that has begun goes on to its end.
    forking = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=forking, initializer=_ignore_signals) as child:
        account = child.submit(_prepared, env).result()
    if account.broken_file:
        screen.say(
            f"{account.broken_file} was broken. {account.user!r} keeps the password, and if nobody knows it: "
            f"manage.py changepassword {account.user}."
        )
    if account.created:
        shown = f"{account.password} (kept in {account.place})" if account.made_up else f"in {account.place}"
        screen.say(f"Made the administrator {account.user!r} with the password {shown}.")
    return account


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _set_up_django(env: Environment) -> None:
    os.environ["DATA_DIR"] = str(env.data_dir)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    django.setup()
    # These modules need Django to be set up.
    from django.utils import timezone  # noqa: PLC0415

    from scanner_app.reading import status  # noqa: PLC0415

    status.serve_from(timezone.now())  # earlier evaluations of the alert rules belong to an earlier run


def _prepared(env: Environment) -> "Account":
    # These modules need Django to be set up.
    from django.core import checks  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import Error, connection  # noqa: PLC0415

    from scanner_app.checks import NOTIFICATIONS  # noqa: PLC0415
    from scanner_app.management.first_admin import ensure_admin  # noqa: PLC0415
    from scanner_project.up import statics  # noqa: PLC0415
    from scanner_project.up.flower_config import write_flower_config  # noqa: PLC0415

    found = checks.run_checks() + checks.run_checks(tags=[NOTIFICATIONS], include_deployment_checks=True)
    problems = [each for each in found if each.is_serious() and not each.is_silenced()]
    if problems:
        raise CannotStart(" ".join(_sentence(each) for each in problems))
    place = f"of DATABASE_URL ({preflight.shown(env.DATABASE_URL)})" if env.DATABASE_URL else f"in {env.data_dir}"
    try:
        connection.ensure_connection()
        call_command("migrate", interactive=False, verbosity=0)
        statics.collect(env.data_dir)
        account = ensure_admin(env.ADMIN_USER, env.ADMIN_PASSWORD, env.data_dir)
        write_flower_config(env, account)
    except Error as exc:
        raise CannotStart(f"the database {place} refused: {_one_line(exc)}") from exc
    except OSError as exc:
        raise CannotStart(f"DATA_DIR={env.data_dir}: {exc}") from exc
    finally:
        connection.close()
    return account


def _sentence(problem: "django.core.checks.CheckMessage") -> str:
    return f"{problem.msg} {problem.hint or ''}".strip() + f" ({problem.id})"


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())
