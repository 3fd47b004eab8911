import configparser
import io
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from scanner_project.env import read
from scanner_project.up import programs
from scanner_project.up.programs import configuration, environment, stop_allowance_s, supervisor_socket


def named(**values):
    return {program.name: program for program in programs.programs(read(values))}


@pytest.fixture
def parsed(monkeypatch):
    """The configuration as supervisor itself reads it, in the folder and environment that it gets."""
    return lambda folder, **values: read_by_supervisor(monkeypatch, folder, **values)


def read_by_supervisor(monkeypatch, folder, **values):
    monkeypatch.chdir(folder)
    env = read({"DATA_DIR": str(folder), **values})
    (folder / "logs").mkdir()
    file = folder / "supervisord.conf"
    file.write_text(configuration(programs.programs(env)))
    options = ServerOptions()
    variables = environment(env, {}, python_dir=Path("/venv/bin"), server_dir=Path("/server"))
    options.environ_expansions = {f"ENV_{name}": value for name, value in variables.items()}
    options.realize(args=["-n", "-c", str(file)])
    return {
        process.name: (group, process) for group in options.process_group_configs for process in group.process_configs
    }


def test_the_bundled_server_runs_unless_another_is_named():
    assert "redis" in named()
    assert "redis" not in named(REDIS_URL="redis://elsewhere:6379/0")


@pytest.mark.parametrize(
    ("values", "replayed"),
    [
        pytest.param({}, True, id="a first try shows something"),
        pytest.param({"DEMO": "0"}, False, id="switched off"),
        pytest.param({"DATABASE_URL": "postgres://u:p@h/n"}, False, id="a database of one's own stays clean"),
        pytest.param({"DATABASE_URL": "postgres://u:p@h/n", "DEMO": "1"}, True, id="unless asked for"),
    ],
)
def test_the_demo_is_replayed_where_nobody_minds(values, replayed):
    assert ("replay" in named(**values)) is replayed


def test_the_live_demo_has_a_venue_and_no_replay():
    running = named(DEMO="live", DEMO_PORT="1234")

    assert running["demo-venue"].command == "python -m scanner_app.feeds.demo_venue --port 1234"
    assert "replay" not in running
    assert "demo-venue" not in named()
    order = list(running)
    assert order.index("demo-venue") < order.index("feed")  # started before it, stopped after it


@pytest.mark.parametrize(
    ("venues", "started"),
    [
        pytest.param([], set(), id="nothing that is not configured runs a process"),
        pytest.param(["binance", "alpaca"], {"feed"}, id="one process for all venues"),
        pytest.param(["ccxt.kraken"], {"feed-ccxt"}, id="but ccxt's, whose library is heavy"),
        pytest.param(["ccxt.kraken", "binance"], {"feed", "feed-ccxt"}, id="both"),
    ],
)
def test_feeds_have_a_process_if_there_are_any(venues, started):
    assert programs.feed_programs(venues) == started
    assert started <= named().keys()


def test_supervisor_starts_the_server_first_and_stops_it_last(parsed, tmp_path):
    groups = {group.name: group.priority for group, _ in parsed(tmp_path).values()}

    assert sorted(groups, key=groups.__getitem__) == [
        "redis",
        "workers",
        "web",
        "flower",
        "feed",
        "feed-ccxt",
        "replay",
    ]


def test_a_running_bar_has_its_hard_limit_to_finish(parsed, tmp_path):
    processes = parsed(tmp_path, SCANNER_HARD_LIMIT_S="60", SCANNER_SOFT_LIMIT_S="50")

    for role in ("main", "slow", "upkeep", "notify", "hits", "rerun"):
        _, worker = processes[f"worker-{role}"]
        assert worker.stopwaitsecs > 60
        assert not worker.stopasgroup  # or the pool's children would be asked to end in the middle of a bar
        assert worker.killasgroup


def test_the_allowance_covers_groups_that_stop_one_after_the_other():
    running = programs.programs(read({}))

    assert (
        stop_allowance_s(running) == 30 + 25 + 10 + 10 + 20 + 20 + 10
    )  # server, workers at once, web, flower, feeds, replay


def test_a_folder_s_odd_name_does_not_break_the_configuration(parsed, tmp_path_factory):
    # tmp_path has the test's name: in a process of xdist it is too long for the socket, which then lies elsewhere.
    folder = tmp_path_factory.mktemp("o") / 'a %(b)s "c" ;d #e'
    folder.mkdir()

    processes = parsed(folder)

    _, server = processes["redis"]
    assert server.directory == str(folder)
    assert Path(server.stdout_logfile).absolute() == folder / "logs" / "redis.log"
    assert "--unixsocket redis.sock" in server.command


def test_the_host_s_name_is_left_to_celery(parsed, tmp_path):
    _, worker = parsed(tmp_path, SCANNER_MAIN_PROCESSES="3")["worker-main"]

    assert worker.command.startswith("python -m celery -q -A scanner_project worker -E ")
    assert worker.command.endswith("-Q main -n main@%h -c 3")


def test_no_password_is_in_a_command_or_in_the_configuration():
    env = read({"ADMIN_PASSWORD": "very secret", "SECRET_KEY": "very secret" * 3})

    assert "very secret" not in configuration(programs.programs(env))


def test_the_web_server_takes_its_address_from_the_settings():
    assert named(WEB_HOST="::1")["web"].command == "python -m scanner_project.web"


def test_the_configuration_names_no_program_twice():
    parser = configparser.RawConfigParser(strict=True, inline_comment_prefixes=None)
    parser.read_file(io.StringIO(configuration(programs.programs(read({})))))

    assert parser.has_section("program:beat")


def test_supervisor_s_socket_is_short_whatever_the_folder():
    deep = read({"DATA_DIR": "/data/" + "deep/" * 30})

    assert len(str(supervisor_socket(deep))) < 100
    assert supervisor_socket(deep) != deep.redis_socket
    assert supervisor_socket(read({"DATA_DIR": "/data"})) == Path("/data/supervisor.sock")
