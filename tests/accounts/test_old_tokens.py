"""The upgrade from tokens in clear text: they keep working, and are gone from the database."""

import importlib
import sqlite3
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from rest_framework.test import APIClient

from scanner_app.models import ApiToken

OLD_TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
MADE = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


def migrate():
    migration = importlib.import_module("scanner_app.migrations.0011_api_tokens")
    migration.take_over(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def rita(db):
    """A user with a token in the table of REST framework's own."""
    user = User.objects.create_user("rita")
    kind = "datetime" if connection.vendor == "sqlite" else "timestamptz"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, created {kind}, user_id integer)")
        cursor.execute(
            "INSERT INTO authtoken_token VALUES (%s, %s, %s)",
            [OLD_TOKEN, connection.ops.adapt_datetimefield_value(MADE), user.pk],
        )
    ContentType.objects.create(app_label="authtoken", model="token")
    return user


def test_an_old_token_keeps_working_without_an_end_and_with_all_its_rights(rita):
    migrate()

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {OLD_TOKEN}")
    assert client.get("/api/v1/scanner/status").status_code == 200
    row = ApiToken.objects.get()
    assert (row.user, row.scope, row.expires_at, row.created_at) == (rita, "operate", None, MADE)


def test_the_old_table_is_gone(rita):
    migrate()

    with connection.cursor() as cursor:
        assert "authtoken_token" not in connection.introspection.table_names(cursor)
    assert not ContentType.objects.filter(app_label="authtoken").exists()
    assert OLD_TOKEN not in str(ApiToken.objects.values().get())


def test_a_database_that_never_had_the_table_is_left_as_it_is(db):
    migrate()

    assert not ApiToken.objects.exists()


def test_sqlite_overwrites_the_bytes_of_the_old_tokens(tmp_path):
    """What the migration relies on, in a file of its own: the tests' database is one long transaction."""
    file = tmp_path / "old.sqlite3"
    with sqlite3.connect(file) as old:
        old.execute("CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY)")
        old.execute("INSERT INTO authtoken_token VALUES (?)", [OLD_TOKEN])
    assert OLD_TOKEN.encode() in file.read_bytes()

    with sqlite3.connect(file) as old:
        old.execute("PRAGMA secure_delete = ON")
        old.execute("DELETE FROM authtoken_token")
        old.execute("DROP TABLE authtoken_token")

    assert OLD_TOKEN.encode() not in file.read_bytes()
