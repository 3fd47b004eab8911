"""The scanner's settings for the tests: a throw-away data folder, and the database that is asked for.

SCANNER_TEST_DATABASE=sqlite (the default) or postgresql: the second starts a real server from a package.
"""

import os
import sys
import tempfile
from pathlib import Path

_database = os.environ.get("SCANNER_TEST_DATABASE", "sqlite")
if _database not in {"sqlite", "postgresql"}:
    sys.exit(f"SCANNER_TEST_DATABASE={_database!r}: must be sqlite or postgresql")

_folder = Path(tempfile.mkdtemp(prefix="scanner-tests-"))
for _name in [name for name in os.environ if name.startswith("SCANNER_") and name != "SCANNER_TEST_DATABASE"]:
    del os.environ[_name]  # a developer's own settings must not decide what the tests see
os.environ.update(DATA_DIR=str(_folder), SECRET_KEY="for tests only, and no secret at all", REDIS_URL="", DEMO="0")
# Calendars take seconds to make: those of the first process serve the others too.
_calendars = Path(os.environ.setdefault("TESTS_CALENDARS", str(_folder / "calendars")))
if _calendars.parent == _folder:
    _calendars.mkdir()
else:
    (_folder / "calendars").symlink_to(_calendars)
_of_the_first_process = os.environ.pop("DATABASE_URL", "")
if _database == "postgresql":
    from tests.servers import hasty_postgresql_url

    # Tests in several processes have a database each, on one server: that of the process which started the others.
    in_worker = "PYTEST_XDIST_WORKER" in os.environ
    os.environ["DATABASE_URL"] = _of_the_first_process if in_worker else hasty_postgresql_url()

from scanner_project.settings import *  # noqa: E402, F403
from scanner_project.settings import DATABASES  # noqa: E402

# A file, not memory: several connections and processes look at it.
if _database == "sqlite":
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes its time on purpose
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
