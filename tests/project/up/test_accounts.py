import runpy
import stat
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from scanner_app.management.first_admin import FLOWER_FILE, PASSWORD_FILE, Account
from scanner_app.management.first_admin import ensure_admin as made
from scanner_project.env import read
from scanner_project.up.flower_config import write_flower_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def env(tmp_path):
    return lambda **values: read({"DATA_DIR": str(tmp_path), **values})


def ensure_admin(env) -> Account:
    return made(env.ADMIN_USER, env.ADMIN_PASSWORD, env.data_dir)


def admin():
    return get_user_model().objects.get(username="admin")


def test_the_first_start_makes_up_a_password_and_keeps_it_private(env, tmp_path):
    account = ensure_admin(env())

    file = tmp_path / PASSWORD_FILE
    assert (account.created, account.made_up, account.own_password) == (True, True, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == account.password
    assert len(account.password) >= 16
    assert admin().is_superuser
    assert admin().check_password(account.password)


def test_the_second_start_finds_the_same_password(env):
    first = ensure_admin(env())

    second = ensure_admin(env())

    assert second.password == first.password
    assert (second.created, second.made_up, second.own_password) == (False, False, False)


def test_a_given_password_is_not_written_down(env, tmp_path):
    account = ensure_admin(env(ADMIN_PASSWORD="given to me"))

    assert admin().check_password("given to me")
    assert account.place == "ADMIN_PASSWORD"
    assert list(tmp_path.iterdir()) == []


def test_an_existing_user_s_password_is_never_changed(env):
    ensure_admin(env(ADMIN_PASSWORD="the first"))

    account = ensure_admin(env(ADMIN_PASSWORD="the second"))

    assert admin().check_password("the first")
    assert account.own_password
    assert account.password == "the second"  # Flower's


def test_flower_gets_a_password_of_its_own_if_the_file_is_lost(env, tmp_path):
    lost = ensure_admin(env())
    (tmp_path / PASSWORD_FILE).unlink()

    account, again = ensure_admin(env()), ensure_admin(env())

    assert account.own_password
    assert account.place == str(tmp_path / FLOWER_FILE)
    assert again.password == account.password != lost.password
    assert admin().check_password(lost.password)
    assert not (tmp_path / PASSWORD_FILE).exists()


@pytest.mark.parametrize("broken", [b"", b"short", b"\xff\x00\xfe garbage"], ids=["empty", "truncated", "garbage"])
def test_a_broken_password_file_is_as_good_as_lost(env, tmp_path, broken):
    good = ensure_admin(env())
    (tmp_path / PASSWORD_FILE).write_bytes(broken)

    account, again = ensure_admin(env()), ensure_admin(env())

    assert account.broken_file == str(tmp_path / PASSWORD_FILE)
    assert account.place == str(tmp_path / FLOWER_FILE)
    assert len(account.password) >= 16
    assert (again.password, again.broken_file) == (account.password, "")
    assert admin().check_password(good.password)


@pytest.mark.parametrize("broken", [b"", b"short"], ids=["empty", "truncated"])
def test_a_broken_password_of_flower_is_made_anew(env, tmp_path, broken):
    ensure_admin(env())
    (tmp_path / PASSWORD_FILE).unlink()
    (tmp_path / FLOWER_FILE).write_bytes(broken)

    assert len(ensure_admin(env()).password) >= 16


def test_a_start_that_was_cut_off_after_the_file_is_gone_on_with(env, tmp_path):
    (tmp_path / PASSWORD_FILE).write_text("kept before the user was made\n")

    account = ensure_admin(env())

    assert account.created
    assert admin().check_password("kept before the user was made")


def test_another_name_makes_another_administrator(env):
    ensure_admin(env(ADMIN_USER="chief", ADMIN_PASSWORD="of the chief"))

    assert get_user_model().objects.filter(username="chief", is_staff=True).exists()
    assert not get_user_model().objects.filter(username="admin").exists()


def test_flower_reads_its_password_from_a_private_file(env, tmp_path):
    account = ensure_admin(env(ADMIN_PASSWORD="""odd, 'quoted' "and" \\ more"""))
    file = tmp_path / "flowerconfig.py"
    file.write_text("old")
    file.chmod(0o644)

    write_flower_config(env(), account)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert runpy.run_path(str(file))["basic_auth"] == ["""admin:odd, 'quoted' "and" \\ more"""]


def test_the_command_does_the_same_and_says_so(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    first, second = StringIO(), StringIO()

    call_command("ensure_admin", stdout=first)
    call_command("ensure_admin", stdout=second)

    password = (tmp_path / PASSWORD_FILE).read_text().strip()
    assert f"with the password {password} (kept in {tmp_path / PASSWORD_FILE})" in first.getvalue()
    assert second.getvalue() == "The administrator 'admin' exists; nothing was changed.\n"
