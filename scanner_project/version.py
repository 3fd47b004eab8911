"""The version of the scanner: written here and nowhere else.

The API's schema, `GET /healthz` and the foot of the pages show it by `settings.VERSION`, pyproject.toml reads it from
here, and a test compares it with the newest version of CHANGELOG.md. A module of its own and not pyproject.toml, since
the Docker image holds no pyproject.toml.
"""

VERSION = "0.1.0"
