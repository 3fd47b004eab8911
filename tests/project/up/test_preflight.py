import os
import socket
from pathlib import Path

import pytest

from scanner_project.env import read
from scanner_project.up import preflight
from scanner_project.up.errors import CannotStart


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("name", ["WEB_PORT", "FLOWER_PORT", "DEMO_PORT"])
def test_a_taken_port_is_named_with_its_variable(name, taken_port):
    free = {"WEB_PORT": "18999", "FLOWER_PORT": "18998", "DEMO_PORT": "18997", "DEMO": "live"}

    with pytest.raises(CannotStart, match=f"^{name}={taken_port} on 127.0.0.1 .* choose another"):
        preflight.free_ports(read({**free, name: str(taken_port)}))


def test_the_demo_s_port_does_not_matter_without_that_demo(taken_port):
    preflight.free_ports(read({"WEB_PORT": "18999", "FLOWER_PORT": "18998", "DEMO_PORT": str(taken_port)}))


@pytest.mark.parametrize(
    ("name", "says"),
    [("FLOWER_PORT", "WEB_PORT and FLOWER_PORT are both 8000"), ("DEMO_PORT", "WEB_PORT and DEMO_PORT are both 8000")],
)
def test_every_server_needs_a_port_of_its_own(name, says):
    with pytest.raises(CannotStart, match=says):
        preflight.free_ports(read({"DEMO": "live", name: "8000"}))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host):
    with pytest.raises(CannotStart, match=f"^WEB_HOST={host} is no address of this machine"):
        preflight.free_ports(read({"WEB_HOST": host}))


def test_a_data_dir_is_made_for_its_owner_alone(tmp_path):
    folder = tmp_path / "new" / "var"

    preflight.writable_data_dir(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in folder.iterdir()] == ["logs"]


def test_a_data_dir_that_others_can_read_is_put_right_and_said(tmp_path):
    (tmp_path / "up.lock").touch(mode=0o644)
    (tmp_path / "logs").mkdir(mode=0o755)
    tmp_path.chmod(0o755)

    said = preflight.make_private(tmp_path)

    assert said == f"DATA_DIR={tmp_path} could be read by others (mode 755); now by its owner alone (700)."
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "up.lock").stat().st_mode & 0o077 == 0
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0
    assert preflight.make_private(tmp_path) == ""


def test_a_data_dir_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "letters").mkdir()
    tmp_path.chmod(0o755)

    with pytest.raises(CannotStart, match="holds files that are not the scanner's; choose a folder of its own"):
        preflight.make_private(tmp_path)

    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_data_dir_of_another_user_is_refused_if_others_can_read_it(tmp_path):
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, 12345)

    with pytest.raises(CannotStart, match="belongs to another user"):
        preflight.make_private(tmp_path)


def test_a_data_dir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="it is a file"):
        preflight.writable_data_dir(tmp_path / "file")


def test_a_data_dir_that_cannot_be_made_is_refused():
    with pytest.raises(CannotStart, match=r"^DATA_DIR=/proc/nothing can't be written to"):
        preflight.writable_data_dir(Path("/proc/nothing"))


def test_a_folder_that_no_url_can_name_is_refused():
    elsewhere = {"DATABASE_URL": "postgres://u:p@h/n", "REDIS_URL": "redis://elsewhere"}

    with pytest.raises(CannotStart, match="blank or an odd character"):
        preflight.plain_path(read({"DATA_DIR": "/data/a #b"}))
    with pytest.raises(CannotStart, match="blank or an odd character"):
        preflight.plain_path(read({"DATA_DIR": "/data/a #b", "REDIS_URL": "redis://elsewhere"}))
    preflight.plain_path(read({"DATA_DIR": "/data/a #b", **elsewhere}))
    preflight.plain_path(read({"DATA_DIR": "/data/var_1.2"}))


def test_a_folder_has_one_run_at_a_time(tmp_path):
    refused = pytest.raises(CannotStart, match=r"running in DATA_DIR=.* already \(process \d+\)")

    with preflight.only_run(tmp_path), refused, preflight.only_run(tmp_path):
        pass

    with preflight.only_run(tmp_path):
        pass  # free again


def test_a_server_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(CannotStart) as refusal:
        preflight.redis_answers(read({"REDIS_URL": "redis://user:secret@127.0.0.1:1/0"}))

    assert "REDIS_URL (127.0.0.1:1/0) does not answer" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_the_bundled_server_is_not_asked_before_it_runs():
    preflight.redis_answers(read({}))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://user:secret@db:5432/bars", "db:5432/bars"),
        ("sqlite:////data/bars.sqlite3", "/data/bars.sqlite3"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
    ],
)
def test_urls_are_shown_without_secrets(url, shown):
    assert preflight.shown(url) == shown
