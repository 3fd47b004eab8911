"""docker-compose.yml against what `make up` runs. There is no Docker where the tests run."""

import shlex
from pathlib import Path

import pytest
import yaml

from scanner_app.workers import command_lines
from scanner_project.env import Environment, read
from scanner_project.up import programs

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {
    "web",
    "worker-main",
    "worker-slow",
    "worker-upkeep",
    "worker-notify",
    "worker-rerun",
    "beat",
    "flower",
}
PASSWORDS = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ADMIN_PASSWORD", "FLOWER_BASIC_AUTH"}


def with_defaults(text):
    """`${NAME:-default}` as Compose fills it in without a .env."""
    while "${" in text:
        before, _, rest = text.partition("${")
        variable, _, after = rest.partition("}")
        text = before + variable.partition(":-")[2] + after
    return text


def test_every_part_is_a_service():
    assert set(SERVICES) == OURS | {"migrate", "redis", "postgres"}


@pytest.mark.parametrize("name", sorted(OURS | {"redis", "postgres"}))
def test_a_service_is_checked_and_started_again(name):
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_migration_runs_once_and_the_others_wait_for_it():
    assert SERVICES["migrate"]["healthcheck"] == {"disable": True}
    for name in OURS:
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", sorted(OURS - {"web", "flower"}))
def test_the_commands_are_those_of_make_up(name):
    expected = next(each.command for each in programs.programs(read({})) if each.name == name)

    command = with_defaults(SERVICES[name]["command"])

    assert "python -m " + command.replace("%", "%%") == expected


def test_web_and_flower_differ_only_in_where_they_listen():
    assert SERVICES["web"]["command"] == command_lines.web_command("0.0.0.0:8000")
    assert SERVICES["flower"]["command"] == programs.flower_command("0.0.0.0", 5555)
    dockerfile = (ROOT / "Dockerfile").read_text()
    words = dockerfile.rpartition("CMD ")[2].strip()
    assert yaml.safe_load(words) == shlex.split(SERVICES["web"]["command"])


def test_pages_are_open_to_this_machine_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_there_is_no_default_password():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if variable in PASSWORDS or variable.endswith("PASSWORD"):
                assert ":?" in value, f"{name}: {variable}"


def test_defaults_are_those_of_the_settings():
    fields = Environment.model_fields
    environment = SERVICES["web"]["environment"]
    known = {name: value for name, value in environment.items() if name in fields and name not in PASSWORDS}

    given = read({name: with_defaults(value) for name, value in known.items() if value is not None})

    assert set(environment) <= set(fields)
    assert {name: getattr(given, name) for name in known} == {name: getattr(read({}), name) for name in known}


ELSEWHERE = {"WEB_HOST", "WEB_PORT", "FLOWER_PORT", "DATA_DIR", "ADMIN_USER", "ADMIN_PASSWORD", "DEMO", "DEBUG"}
"""Settings that are a service's own, fixed by the image, or not for production."""

ON_THE_COMMAND_LINE = {"SCANNER_MAIN_PROCESSES", "SCANNER_SLOW_PROCESSES", "SCANNER_SHARD", "SCANNER_FAULT_INJECTION"}


def test_every_setting_can_be_given():
    assert set(Environment.model_fields) - ELSEWHERE - ON_THE_COMMAND_LINE <= set(SERVICES["web"]["environment"])


def test_a_worker_has_time_to_finish_its_bar():
    for name in (each for each in OURS if each.startswith("worker-")):
        seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert seconds >= read({}).SCANNER_HARD_LIMIT_S + programs.STOP_MARGIN_S
