"""The table of docs/roles.md, tried line by line at every door: API by token, page by session, admin."""

import importlib
import os
import pkgutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from scanner_app import mailbox, migrations
from scanner_app.access.roles import May
from scanner_app.models import Alert, Bar, QuarantinedBar, Rule, Silence, Symbol, WatchList
from tests.api.conftest import token_of
from tests.conftest import T0, accept_days, raw_bar, snapshot

API = "/api/v1/scanner"
ADMIN = "/admin/scanner_app"

TOMORROW = (timezone.now() + timedelta(days=1)).isoformat()

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "read status, bars, signals and faults: API, page": ("get", f"{API}/failures", None),
    "have watch lists, share them, read shared ones": ("post", f"{API}/watchlists", {"name": "x", "symbols": ["TSLA"]}),
    "have rules, share them, read shared ones and their hits": (
        "post",
        f"{API}/rules",
        {"name": "x", "expression": "close > 1", "timeframes": ["1d"]},
    ),
    "read `/metrics`": ("get", "/metrics", None),
    "set a symbol's calendar": ("patch", f"{API}/symbols/TSLA", {"calendar": "XNYS"}),
    "reset": ("post", f"{API}/symbols/TSLA/reset", None),
    "skip": ("post", f"{API}/symbols/TSLA/skip", None),
    "disable": ("post", f"{API}/symbols/TSLA/disable", None),
    "enable": ("post", f"{API}/symbols/OFF/enable", None),
    "add a symbol": ("post", f"{API}/symbols", {"symbol": "NEW"}),
    "delete": ("delete", f"{API}/symbols/TSLA?force=true", None),
    "replay": ("post", f"{API}/quarantine/1/replay", None),
    "discard": ("post", f"{API}/quarantine/1/discard", None),
    "acknowledge an alert": ("post", f"{API}/alerts/1/acknowledge", None),
    "silence an alert": ("post", f"{API}/alerts/1/silence", {"minutes": 5}),
    "silence a rule or a symbol": (
        "post",
        f"{API}/silences",
        {"until": f"{timezone.now() + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}"},
    ),
    "send bars": ("post", f"{API}/bars", raw_bar(day=9)),
}
"""What asks for an act over HTTP."""

ACTIONS = {
    "reset": ("symbol", "TSLA", {}),
    "skip": ("symbol", "TSLA", {}),
    "disable": ("symbol", "TSLA", {}),
    "enable": ("symbol", "OFF", {}),
    "delete": ("symbol", "TSLA", {"confirmed": "yes", "force": "yes"}),
    "replay": ("quarantinedbar", "TSLA", {"confirmed": "yes"}),
    "discard": ("quarantinedbar", "TSLA", {"confirmed": "yes"}),
    "acknowledge an alert": ("alert", "TSLA", {"confirmed": "yes"}),
    "silence an alert": ("alert", "TSLA", {"confirmed": "yes", "minutes": "5"}),
}
"""What does an act in the admin: list, symbol, and what the page that asks first would send."""


def documented() -> list[Any]:
    """(role, act, whether it may) of each cell of the table."""
    page = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    roles = rows[0][1:]
    return [
        pytest.param(role, act, cell == "yes", id=f"{role}: {act}")
        for act, *cells in rows[2:]
        for role, cell in zip(roles, cells, strict=True)
    ]


CELLS = documented()


def make_roles() -> None:
    """What the migration does: tests with transactions of their own empty its tables."""
    (name,) = (name for _, name, _ in pkgutil.iter_modules(migrations.__path__) if name.endswith("_roles"))
    importlib.import_module(f"{migrations.__name__}.{name}").make_roles(apps, connection.schema_editor())


@pytest.fixture
def of_role(db):
    """Make a user of a role."""
    make_roles()

    def make(role: str) -> User:
        user = User.objects.create_user("somebody", password="opensesame", is_staff=role == "staff")
        if role not in {"signed in", "staff"}:
            user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture(autouse=True)
def symbols(request):
    """A symbol with a bar in quarantine, a head and a bar behind it; and one that is disabled."""
    if "db" not in request.fixturenames and "of_role" not in request.fixturenames:
        return
    request.getfixturevalue("db")
    accept_days("TSLA", 3)
    accept_days("OFF", 1)
    mailbox.skip(Symbol.objects.get(ticker="TSLA"), by="somebody", now=T0)
    mailbox.disable(Symbol.objects.get(ticker="OFF"), by="somebody", now=T0)
    QuarantinedBar.objects.update(id=1)
    Alert.objects.create(id=1, rule="stuck_head", severity="error", state="firing", began_at=T0, fired_at=T0)


def everything() -> list[Any]:
    shown = [
        (symbol.enabled, symbol.deleted_at, symbol.calendar, snapshot(symbol))
        for symbol in Symbol.objects.order_by("pk")
    ]
    return [
        shown,
        Bar.objects.count(),
        list(Alert.objects.values()),
        list(Silence.objects.values()),
        WatchList.objects.count(),
        Rule.objects.count(),
    ]


def ask(client: Any, act: str) -> int:
    method, address, body = REQUESTS[act]
    code: int = getattr(client, method)(address, body, format="json").status_code
    return code


def check(code: int, *, allowed: bool, act: str, before: list[Any]) -> None:
    if allowed:
        assert code in {200, 201, 202}
        assert act.startswith("read") or everything() != before
    else:
        assert code == 403
        assert everything() == before


@pytest.mark.parametrize(("role", "act", "allowed"), [cell for cell in CELLS if cell.values[1] in REQUESTS])
def test_the_api_does_for_a_role_what_the_table_says(of_role, role, act, allowed):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(of_role(role))}")
    before = everything()

    check(ask(client, act), allowed=allowed, act=act, before=before)


@pytest.mark.parametrize(("role", "act", "allowed"), [cell for cell in CELLS if cell.values[1] in REQUESTS])
def test_the_page_which_asks_the_api_by_its_session_does_the_same(of_role, role, act, allowed):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(of_role(role))
    client.cookies["csrftoken"] = "a" * 32
    client.credentials(HTTP_X_CSRFTOKEN="a" * 32)
    before = everything()

    offered = 'data-may-operate="yes"' in client.get("/").content.decode()

    assert offered is (role in {"operator", "administrator", "staff"})
    check(ask(client, act), allowed=allowed, act=act, before=before)


@pytest.mark.parametrize(("role", "act", "allowed"), [cell for cell in CELLS if cell.values[1] in ACTIONS])
def test_the_admin_does_for_a_role_what_the_table_says(client, of_role, role, act, allowed):
    client.force_login(of_role(role))
    model, ticker, more = ACTIONS[act]
    chosen = Symbol.objects.get(ticker=ticker).pk if model == "symbol" else 1
    act = act.removesuffix(" an alert")
    before = everything()

    offered = f'value="{act}"' in client.get(f"{ADMIN}/{model}/", follow=True).content.decode()
    client.post(f"{ADMIN}/{model}/", {"action": act, "_selected_action": [chosen], "index": 0, **more})

    assert offered is allowed
    assert (everything() != before) is allowed


@pytest.mark.parametrize(
    ("role", "act", "allowed"), [cell for cell in CELLS if cell.values[1].endswith("in the admin")]
)
def test_who_may_read_in_the_admin(client, of_role, role, act, allowed):
    client.force_login(of_role(role))

    for path in ("", *(f"scanner_app/{model}/" for model in ("symbol", "bar", "signal", "processingfailure"))):
        assert client.get(f"/admin/{path}").status_code == (200 if allowed else 302)


@pytest.mark.parametrize(("role", "act", "allowed"), [cell for cell in CELLS if cell.values[1] == "manage users"])
def test_who_may_manage_users(client, of_role, role, act, allowed):
    user = of_role(role)
    other = User.objects.create_user("other")
    client.force_login(user)

    assert (client.get("/admin/auth/user/add/").status_code == 200) is allowed
    assert (client.get(f"/admin/auth/user/{other.pk}/change/").status_code == 200) is allowed
    assert (client.get(f"/admin/auth/user/{other.pk}/password/").status_code == 200) is allowed
    client.post(f"/admin/auth/user/{other.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=other.pk).exists() is not allowed


def test_every_act_of_the_table_is_tried():
    acts = {cell.values[1] for cell in CELLS}

    assert acts == set(REQUESTS) | {"read them in the admin", "manage users"}
    assert set(ACTIONS) < acts
    assert {cell.values[0] for cell in CELLS} == {"signed in", "reader", "operator", "administrator", "staff"}


def test_who_is_not_signed_in_or_was_locked_out_may_do_nothing(of_role):
    locked_out = of_role("administrator")
    locked_out.is_active = False

    for user in (AnonymousUser(), locked_out):
        may = May(user)
        assert (may.enter_admin, may.operate, may.send_bars) == (False, False, False)


def test_each_role_signs_in_at_the_admins_own_page_and_others_do_not(client, of_role):
    of_role("reader")
    User.objects.create_user("nobody", password="opensesame")

    def sign_in(name: str) -> Any:
        fields = {"username": name, "password": "opensesame", "next": "/admin/"}
        return Client().post("/admin/login/", fields)

    assert sign_in("somebody").status_code == 302
    refused = sign_in("nobody")
    assert refused.status_code == 200
    assert "no role" in refused.content.decode()


@pytest.fixture
def administrator(client, of_role):
    client.force_login(of_role("administrator"))
    return client


def user_form(user: User, **more: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "is_active": "on",
        "date_joined_0": "2024-01-01",
        "date_joined_1": "00:00:00",
        **more,
    }


def test_an_administrator_gives_roles_and_makes_no_superuser(administrator):
    other = User.objects.create_user("other")
    operator = Group.objects.get(name="operator")
    every = [permission.pk for permission in Permission.objects.all()]

    form = user_form(other, groups=[operator.pk], is_superuser="on", user_permissions=every)
    answer = administrator.post(f"/admin/auth/user/{other.pk}/change/", form)

    assert answer.status_code == 302
    other = User.objects.get(pk=other.pk)
    assert list(other.groups.all()) == [operator]
    assert other.is_superuser is False
    assert not other.user_permissions.exists()


def test_an_administrator_can_not_touch_a_superuser(administrator):
    root = User.objects.create_superuser("root", password="kept")

    for path, form in (
        ("change", user_form(root)),
        ("password", {"password1": "taken over 1", "password2": "taken over 1"}),
        ("delete", {"post": "yes"}),
    ):
        assert administrator.post(f"/admin/auth/user/{root.pk}/{path}/", form).status_code == 403

    root = User.objects.get(pk=root.pk)
    assert root.is_active
    assert root.check_password("kept")


def test_the_list_of_users_takes_as_many_queries_for_twenty_as_for_one(administrator, django_assert_num_queries):
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        assert administrator.get("/admin/auth/user/").status_code == 200
    for number in range(20):
        User.objects.create_user(f"user{number}").groups.set(Group.objects.all())

    with django_assert_num_queries(len(few)):
        page = administrator.get("/admin/auth/user/").content.decode()
    assert "administrator, operator, reader" in page


@pytest.mark.django_db(transaction=True)
def test_the_migration_makes_the_roles_also_where_no_permission_is_there_yet():
    call_command("migrate", "scanner_app", "0002", verbosity=0)
    try:
        Group.objects.all().delete()
        ContentType.objects.filter(app_label__in=["scanner_app", "auth"]).delete()  # with all permissions
        # As Django made it before: it never changes a name by itself.
        of = ContentType.objects.create(app_label="scanner_app", model="symbol")
        Permission.objects.create(content_type=of, codename="operate_symbol", name="Can reset and skip")
    finally:
        call_command("migrate", verbosity=0)

    granted = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    users = {f"{action}_user" for action in ("add", "change", "delete", "view")}
    assert granted == {
        "reader": {"view_symbol"},
        "operator": {"view_symbol", "operate_symbol"},
        "administrator": {"view_symbol", "operate_symbol", "add_bar", "view_group"} | users,
    }
    assert "delete" in Permission.objects.get(codename="operate_symbol").name
    # Django's own step after the migrations made what was missing, and nothing twice.
    assert Permission.objects.filter(codename="view_symbol").count() == 1
    assert Permission.objects.filter(codename="change_symbol").count() == 1


def test_a_fresh_database_has_the_roles(tmp_path):
    root = Path(__file__).parents[2]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "scanner_project.settings", "DATABASE_URL": ""}

    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=root, env={**env, "DATA_DIR": str(tmp_path)}, check=True
    )

    with closing(sqlite3.connect(tmp_path / "scanner.sqlite3")) as database:
        granted = database.execute(
            "SELECT auth_group.name, count(*) FROM auth_group"
            " JOIN auth_group_permissions ON group_id = auth_group.id GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert granted == [("administrator", 8), ("operator", 2), ("reader", 1)]


@pytest.mark.parametrize(("role", "shown"), [("reader", False), ("operator", False), ("staff", True)])
def test_the_way_to_flower_is_shown_to_those_who_may_have_its_password(client, of_role, role, shown):
    client.force_login(of_role(role))

    assert ('href="/flower/' in client.get("/admin/").content.decode()) is shown


def test_a_users_page_says_what_the_staff_flag_opens(administrator):
    user = User.objects.get(username="somebody")

    page = administrator.get(f"/admin/auth/user/{user.pk}/change/").content.decode()

    assert "Opens all of the scanner, but no users." in page
    assert "whether the user can log into this admin site" not in page
