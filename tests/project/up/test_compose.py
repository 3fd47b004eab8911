"""docker-compose.yml against what `make up` runs. There is no Docker where the tests run."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from scanner_app.workers import command_lines
from scanner_project.env import Environment, read
from scanner_project.up import programs

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {
    "web",
    "worker-main",
    "worker-slow",
    "worker-upkeep",
    "worker-notify",
    "worker-hits",
    "worker-rerun",
    "beat",
    "feed",
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


def keys_of(node):
    """The keys of each mapping in the file, as they are written."""
    if isinstance(node, yaml.MappingNode):
        yield [key.value for key, _ in node.value if key.value != "<<"]
        for _, value in node.value:
            yield from keys_of(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from keys_of(value)


def test_no_key_is_given_twice_which_compose_refuses():
    for keys in keys_of(yaml.compose(TEXT)):
        assert len(keys) == len(set(keys)), keys


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

    begin = "" if command.startswith("python ") else "python -m "
    assert begin + command.replace("%", "%%") == expected


def test_web_and_flower_differ_only_in_where_they_listen():
    assert SERVICES["web"]["command"] == f"python -m {command_lines.web_command()}"
    assert SERVICES["web"]["ports"] == ["127.0.0.1:${WEB_PORT:-8000}:8000"]
    assert SERVICES["web"]["environment"]["WEB_PORT"] == "8000"
    assert SERVICES["flower"]["command"] == f"python -m {programs.flower_command('0.0.0.0', 5555)}"
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


OWN_VALUES = {"WEB_HOST", "DATA_DIR", "PUBLIC_URL", "DEMO"}
"""Settings with another default than on one machine: the container's, or, of the pages, this machine's."""


def test_defaults_are_those_of_the_settings():
    fields = Environment.model_fields
    environment = SERVICES["web"]["environment"]
    known = {name: value for name, value in environment.items() if name in fields and name not in PASSWORDS}

    given = read({name: with_defaults(value) for name, value in known.items() if value is not None})

    assert set(environment) <= set(fields)
    same = set(known) - OWN_VALUES
    assert {name: getattr(given, name) for name in same} == {name: getattr(read({}), name) for name in same}
    assert given.public_url == "http://localhost:8000"


def settings_of_the_readme():
    table = (ROOT / "README.md").read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE))


def test_every_setting_of_the_readme_can_be_given():
    passed = {
        name
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if value is None or f"${{{name}:" in value
    }
    ports = " ".join(port for service in SERVICES.values() for port in service.get("ports", []))
    passed |= {name for name in ("WEB_PORT", "FLOWER_PORT") if f"${{{name}:-" in ports}
    of_the_containers = {"WEB_HOST", "DATA_DIR", "DATABASE_URL", "REDIS_URL"}

    assert settings_of_the_readme() == set(Environment.model_fields)
    assert settings_of_the_readme() - of_the_containers <= passed
    assert of_the_containers <= set(SERVICES["web"]["environment"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_rights_that_it_does_not_need(name):
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert re.fullmatch(r"[0-9]+[mg]", service["mem_limit"])
    assert ("cap_add" in service) is (name in {"redis", "postgres"})


def test_a_worker_has_time_to_finish_its_bar():
    for name in (each for each in OURS if each.startswith("worker-")):
        seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert seconds >= read({}).SCANNER_HARD_LIMIT_S + programs.STOP_MARGIN_S
