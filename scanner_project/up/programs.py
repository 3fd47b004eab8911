"""What runs: the programs, their order, and supervisor's configuration made from them. Pure.

No path is written into the configuration: supervisor runs in DATA_DIR and takes other folders from the environment. So
their names may contain any characters (`%`, `;`, `#` and quotes have a meaning in supervisor's file).
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from scanner_app.domain.worker_roles import Role
from scanner_app.telemetry import pulse
from scanner_app.workers.command_lines import beat_command, web_command, worker_command
from scanner_project.env import BASE_DIR, MAX_SOCKET_PATH, Environment

MARKER = "SCANNER_RUN"
"""Environment variable of every process of a run, with the run's DATA_DIR. Leftovers are found by it."""

SERVER = "redis"
"""The group of the bundled server: started first, stopped last."""

WORKERS = "workers"
WEB = "web"
FLOWER = "flower"
REPLAY = "replay"
FEED = "feed"
FEED_CCXT = "feed-ccxt"
DEMO_VENUE = "demo-venue"

CCXT = "ccxt"
"""The beginning of the names of its venues."""

FEED_STOP_S = 20
"""Seconds that a feed needs to hand on what it has received."""

STOP_MARGIN_S = 10
"""Seconds that a worker needs, in addition to a run's hard limit, to put back its messages and end."""

UPKEEP_PROCESSES = 2
"""Two, so that the sweeper does not wait for a long clean-up."""

HITS_PROCESSES = 2
"""Two, so that a channel whose server hangs does not delay the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process that supervisor keeps alive."""

    name: str  # also of its log: DATA_DIR/logs/NAME.log
    group: str  # the programs of a group start and stop together
    command: str  # with each % doubled, as supervisor needs it
    directory: str = "%(ENV_SCANNER_HOME)s"
    start_s: int = 2  # a program that lives for so long counts as started
    stop_s: int = 10  # from SIGTERM to SIGKILL
    restart: str = "true"  # or "unexpected": not after exit status 0


FLOWER_COLUMNS = "name,uuid,args,routing_key,state,retries,eta,received,runtime,worker"
"""Columns of Flower's list of tasks. Our `args` are symbol, bar time, number and attempt in words."""


def flower_command(host: str, port: int) -> str:
    """Flower's command line. Its password is not in it, but in a file or in the environment."""
    return f"scanner_project.flower --address={host} --port={port} --tasks-columns={FLOWER_COLUMNS}"


def programs(env: Environment) -> tuple[Program, ...]:
    """Everything that this environment runs, in the order of starting."""
    warm_stop_s = int(env.SCANNER_HARD_LIMIT_S) + STOP_MARGIN_S
    running: list[Program] = []
    if not env.REDIS_URL:
        running.append(
            Program(
                name=SERVER,
                group=SERVER,
                # appendonly: published messages survive a crash. No port: other users can't connect.
                command=(
                    f"valkey-server --port 0 --unixsocket {_redis_socket(env)} --unixsocketperm 700"
                    " --dir . --appendonly yes --save '' --maxmemory-policy noeviction"
                ),
                directory="%(ENV_DATA_DIR)s",
                start_s=1,
                stop_s=30,
            )
        )
    sizes = {
        Role.MAIN: env.SCANNER_MAIN_PROCESSES,
        Role.SLOW: env.SCANNER_SLOW_PROCESSES,
        Role.UPKEEP: UPKEEP_PROCESSES,
        Role.NOTIFY: 1,
        Role.HITS: HITS_PROCESSES,
        Role.RERUN: 1,
    }
    for role, processes in sizes.items():
        running.append(
            Program(
                name=f"worker-{role}",
                group=WORKERS,
                command=_module(worker_command(role, processes)),
                start_s=3,
                stop_s=warm_stop_s,
            )
        )
    running.append(Program(name="beat", group=WORKERS, command=_module(beat_command())))
    running.append(Program(name=WEB, group=WEB, command=_module(web_command())))
    running.append(
        Program(
            name=FLOWER,
            group=FLOWER,
            command=_module(flower_command(env.WEB_HOST, env.FLOWER_PORT)),
            directory="%(ENV_DATA_DIR)s",  # Flower reads flowerconfig.py of its folder: the password
        )
    )
    if env.DEMO == "live":
        command = f"scanner_app.feeds.demo_venue --port {env.DEMO_PORT}"
        running.append(Program(name=DEMO_VENUE, group=DEMO_VENUE, command=_module(command)))
    # Started when a feed is configured, which can also be done by API and admin while everything runs.
    running.append(_feed(FEED, f"--without {CCXT}"))
    running.append(_feed(FEED_CCXT, CCXT))  # its library is heavy, and has a process of its own
    if env.demo:
        running.append(
            Program(
                name=REPLAY,
                group=REPLAY,
                command="python manage.py replay --bundled --rate 20 --follow-on",
                start_s=0,  # it may end at once, with nothing left to do: that is not a failure
                restart="unexpected",
            )
        )
    return tuple(running)


def _feed(name: str, arguments: str) -> Program:
    return Program(name=name, group=name, command=f"python manage.py feed {arguments}", stop_s=FEED_STOP_S)


def feed_programs(venues: Iterable[str]) -> set[str]:
    """The programs (each a group by itself) that run the feeds of these venues."""
    return {FEED_CCXT if venue.partition(".")[0] == CCXT else FEED for venue in venues}


def stop_allowance_s(running: tuple[Program, ...]) -> int:
    """The longest time that stopping may take, in s: groups stop one by one, the programs of a group together."""
    longest: dict[str, int] = {}
    for program in running:
        longest[program.group] = max(longest.get(program.group, 0), program.stop_s)
    return sum(longest.values())


def configuration(running: tuple[Program, ...]) -> str:
    """Supervisor's configuration file. Supervisor starts nothing by itself: the runner starts the groups in order."""
    sections = [
        "; Written by `make up` at each start: changes are lost.",
        "[supervisord]",
        "nodaemon = true",
        "umask = 077",
        "silent = true",
        "minfds = 256",
        "pidfile = supervisord.pid",
        "logfile = logs/supervisord.log",
        "logfile_maxbytes = 10MB",
        "logfile_backups = 3",
        "childlogdir = logs",
        "",
        "[unix_http_server]",
        "file = %(ENV_SCANNER_SUPERVISOR_SOCKET)s",
        "chmod = 0700",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    groups: dict[str, list[str]] = {}
    for program in running:
        groups.setdefault(program.group, []).append(program.name)
        sections += _program_section(program)
    for number, (group, names) in enumerate(groups.items(), start=1):
        # A lower priority starts earlier and stops later.
        sections += ["", f"[group:{group}]", f"programs = {','.join(names)}", f"priority = {number * 10}"]
    return "\n".join(sections) + "\n"


def _program_section(program: Program) -> list[str]:
    return [
        "",
        f"[program:{program.name}]",
        f"command = {program.command}",
        f"directory = {program.directory}",
        "autostart = false",
        f"autorestart = {program.restart}",
        "exitcodes = 0",
        f"startsecs = {program.start_s}",
        "startretries = 5",
        f"stopwaitsecs = {program.stop_s}",
        # SIGTERM goes to the parent alone, which lets its children finish; SIGKILL goes to all of them.
        "stopasgroup = false",
        "killasgroup = true",
        "redirect_stderr = true",
        f"stdout_logfile = logs/{program.name}.log",
        "stdout_logfile_maxbytes = 10MB",
        "stdout_logfile_backups = 3",
    ]


def supervisor_socket(env: Environment) -> Path:
    """The socket on which supervisor listens: in DATA_DIR, or in the temporary folder if that path is too long."""
    # Supervisor first binds a name that is longer by a dot and a number.
    return _short_enough(env.data_dir / "supervisor.sock", MAX_SOCKET_PATH - 12)


def pulse_socket(env: Environment) -> Path:
    """The socket to which all processes send their pulse."""
    return _short_enough(env.data_dir / "pulse.sock", MAX_SOCKET_PATH)


def _short_enough(socket: Path, most: int) -> Path:
    if len(os.fsencode(socket)) <= most:
        return socket
    return Path(gettempdir()) / f"scanner-{sha256(os.fsencode(socket)).hexdigest()[:16]}.{socket.stem}"


def environment(
    env: Environment, inherited: Mapping[str, str], *, python_dir: Path, server_dir: Path
) -> dict[str, str]:
    """The environment of supervisor and of all that it runs."""
    home = str(BASE_DIR)
    return {
        **inherited,
        # So that the commands find the interpreter of this virtual environment and the bundled server.
        "PATH": os.pathsep.join([str(python_dir), str(server_dir), inherited.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([home, *filter(None, [inherited.get("PYTHONPATH", "")])]),
        "PYTHONUNBUFFERED": "1",
        # Memory that a thread has freed is used by the others (else each has a heap of its own, which stays as large as
        # its largest answer), and NumPy starts no threads: our arrays are short.
        "MALLOC_ARENA_MAX": inherited.get("MALLOC_ARENA_MAX", "2"),
        "OPENBLAS_NUM_THREADS": inherited.get("OPENBLAS_NUM_THREADS", "1"),
        "SPT_NOENV": "1",  # a process that takes a name leaves its environment to be read, by which it is found
        "PYTHONSAFEPATH": "1",  # Flower runs in DATA_DIR, from which no code should be imported
        "DJANGO_SETTINGS_MODULE": "scanner_project.settings",
        "DATA_DIR": str(env.data_dir),
        MARKER: str(env.data_dir),
        "SCANNER_HOME": home,
        "SCANNER_SUPERVISOR_SOCKET": str(supervisor_socket(env)),
        pulse.VARIABLE: str(pulse_socket(env)),
    }


def _redis_socket(env: Environment) -> str:
    """The socket as an argument of the server, whose folder is DATA_DIR."""
    socket = env.redis_socket
    return socket.name if socket.parent == env.data_dir else f'"{str(socket).replace("%", "%%")}"'


def _module(command: str) -> str:
    """The program as a module of our interpreter, with % doubled for supervisor."""
    return "python -m " + command.replace("%", "%%")
