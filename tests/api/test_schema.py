"""The OpenAPI schema is complete and valid, and its page loads nothing from other servers."""

import re
from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from scanner_project.version import VERSION

OPERATIONS = {
    "/api/v1/auth/token": {"post"},
    "/api/v1/auth/tokens": {"get", "post"},
    "/api/v1/auth/tokens/{id}": {"delete"},
    "/api/v1/scanner/bars": {"get", "post"},
    "/api/v1/scanner/bars/{id}/timeline": {"get"},
    "/api/v1/scanner/signals": {"get"},
    "/api/v1/scanner/status": {"get"},
    "/api/v1/scanner/symbols": {"get", "post"},
    "/api/v1/scanner/symbols/{symbol}": {"get", "patch", "delete"},
    "/api/v1/scanner/symbols/{symbol}/status": {"get"},
    "/api/v1/scanner/symbols/{symbol}/explain": {"get"},
    "/api/v1/scanner/symbols/{symbol}/timeline": {"get"},
    "/api/v1/scanner/symbols/{symbol}/gaps": {"get"},
    "/api/v1/scanner/symbols/{symbol}/reset": {"post"},
    "/api/v1/scanner/symbols/{symbol}/skip": {"post"},
    "/api/v1/scanner/symbols/{symbol}/enable": {"post"},
    "/api/v1/scanner/symbols/{symbol}/disable": {"post"},
    "/api/v1/scanner/symbols/reset": {"post"},
    "/api/v1/scanner/symbols/skip": {"post"},
    "/api/v1/scanner/symbols/enable": {"post"},
    "/api/v1/scanner/symbols/disable": {"post"},
    "/api/v1/scanner/failures": {"get"},
    "/api/v1/scanner/quarantine": {"get"},
    "/api/v1/scanner/quarantine/replay": {"post"},
    "/api/v1/scanner/quarantine/discard": {"post"},
    "/api/v1/scanner/quarantine/{id}/replay": {"post"},
    "/api/v1/scanner/quarantine/{id}/autopsy": {"get"},
    "/api/v1/scanner/quarantine/{id}/discard": {"post"},
    "/api/v1/scanner/alerts": {"get"},
    "/api/v1/scanner/alerts/{id}/acknowledge": {"post"},
    "/api/v1/scanner/alerts/{id}/silence": {"post"},
    "/api/v1/scanner/channels": {"get", "post"},
    "/api/v1/scanner/channels/usable": {"get"},
    "/api/v1/scanner/channels/{id}": {"patch", "delete"},
    "/api/v1/scanner/channels/{id}/test": {"post"},
    "/api/v1/scanner/deliveries": {"get"},
    "/api/v1/scanner/deliveries/{id}/retry": {"post"},
    "/api/v1/scanner/signals/stream": {"get"},
    "/api/v1/scanner/silences": {"get", "post"},
    "/api/v1/scanner/silences/{id}": {"delete"},
    "/api/v1/scanner/worth": {"get"},
    "/api/v1/scanner/detectors": {"get"},
    "/api/v1/scanner/detectors/{name}/off": {"post"},
    "/api/v1/scanner/detectors/{name}/on": {"post"},
    "/api/v1/scanner/failures/groups": {"get"},
    "/api/v1/scanner/watchlists": {"get", "post"},
    "/api/v1/scanner/watchlists/{id}": {"get", "patch", "delete"},
    "/api/v1/scanner/rules": {"get", "post"},
    "/api/v1/scanner/rules/{id}": {"get", "patch", "delete"},
    "/api/v1/scanner/rules/{id}/why": {"get"},
    "/api/v1/scanner/rules/check": {"post"},
    "/api/v1/scanner/rules/try": {"post"},
    "/api/v1/scanner/rules/words": {"get"},
    "/api/v1/scanner/rules/ready-made": {"get"},
    "/api/v1/scanner/rules/default-set": {"post"},
    "/api/v1/scanner/hits": {"get"},
    "/api/v1/scanner/patterns": {"get"},
    "/api/v1/scanner/board": {"get"},
    "/api/v1/scanner/chart": {"get"},
    "/api/v1/scanner/hooks": {"get", "post"},
    "/api/v1/scanner/hooks/{id}": {"patch", "delete"},
    "/hooks/{token}": {"post"},
    "/api/v1/scanner/feeds": {"get", "post"},
    "/api/v1/scanner/feeds/{id}": {"patch", "delete"},
    "/api/v1/scanner/gaps": {"get"},
    "/api/v1/scanner/gaps/{id}/give_up": {"post"},
    "/api/v1/scanner/gaps/summary": {"get"},
}

WITHOUT_A_USER = {"/api/v1/auth/token", "/hooks/{token}"}
"""Open to whoever has a password, or the address."""

RIGHTS_TO_READ = {"/api/v1/scanner/channels", "/api/v1/scanner/hooks"}
"""Lists that not every user may read."""


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_and_generated_without_warnings(capfd):
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())

    assert "Warning" not in capfd.readouterr().err


def test_every_operation_is_in_the_schema_once(schema):
    assert {path: set(operations) for path, operations in schema["paths"].items()} == OPERATIONS
    ids = [one["operationId"] for operations in schema["paths"].values() for one in operations.values()]
    assert len(ids) == len(set(ids))


def test_filters_are_documented_with_the_names_of_their_parameters(schema):
    names = {one["name"] for one in schema["paths"]["/api/v1/scanner/bars"]["get"]["parameters"]}

    assert names == {"symbol", "timeframe", "from", "to", "status", "cursor", "page_size"}


def test_a_bulk_action_is_documented_with_the_keys_of_its_body(schema):
    for action in ("replay", "discard"):
        post = schema["paths"][f"/api/v1/scanner/quarantine/{action}"]["post"]
        assert "parameters" not in post
    keys = set(schema["components"]["schemas"]["BulkIn"]["properties"])
    assert keys == {"symbol", "error_type", "from", "to", "all", "dry_run", "reason"}


def test_sending_bars_is_documented_with_every_answer_and_both_bodies(schema):
    post = schema["paths"]["/api/v1/scanner/bars"]["post"]

    assert set(post["responses"]) == {"202", "400", "401", "403", "406", "413", "415", "429", "431", "503"}
    body = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
    one, many = schema["components"]["schemas"][body]["oneOf"]
    assert one == many["items"] == {"$ref": "#/components/schemas/BarIn"}


def test_every_operation_names_the_errors_that_any_request_can_cause(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            codes = set(operation["responses"])
            assert {"406", "503"} <= codes, path
            assert ("401" in codes) == (path not in WITHOUT_A_USER), path
            assert ("415" in codes) == ("requestBody" in operation), path
            may_be_forbidden = method != "get" or path in RIGHTS_TO_READ
            assert ("403" in codes) == (may_be_forbidden and path != "/api/v1/auth/token"), path


@pytest.mark.parametrize("path", ["/api/schema/", "/api/schema"])
def test_the_schema_needs_no_user(client, db, path):
    answer = client.get(path)

    assert answer.status_code == 200
    info = yaml.safe_load(answer.content)["info"]
    assert (info["title"], info["version"]) == ("Market scanner", VERSION)


@pytest.mark.parametrize("path", ["/api/docs/", "/api/docs"])
def test_the_page_loads_nothing_from_other_servers(client, db, path):
    page = client.get(path).content.decode()

    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(loaded) >= 4
    assert all(re.match(r"/(?!/)", address) for address in loaded), loaded
    # The other layout, StandaloneLayout, shows a badge that sends the schema to swagger.io.
    script = client.get(loaded[-1].replace("&amp;", "&")).content.decode()
    assert 'layout: "BaseLayout"' in script


def test_every_operation_is_in_docs_api(schema, settings):
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()

    missing = [
        f"{method.upper()} {path}"
        for path, operations in schema["paths"].items()
        for method in operations
        if f"{method.upper()} {path.removeprefix('/api/v1/scanner/')}" not in text
    ]
    assert missing == []


def test_the_schema_is_written_once_however_often_it_is_asked_for(client, monkeypatch):
    first = client.get("/api/schema/")
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *_, **__: pytest.fail("was written again"))

    again = client.get("/api/schema/?version=2&lang=de", HTTP_HOST="localhost")

    assert first.status_code == 200
    assert (again.content, again.headers["Content-Type"]) == (first.content, first.headers["Content-Type"])
    assert again.headers["Content-Disposition"] == 'inline; filename="Market scanner.yaml"'


def test_the_schema_comes_as_yaml_or_json(client):
    as_yaml = client.get("/api/schema/")
    as_json = client.get("/api/schema/", HTTP_ACCEPT="application/json")

    assert as_yaml.headers["Content-Type"] == "application/vnd.oai.openapi; charset=utf-8"
    assert as_yaml.content.startswith(b"openapi: 3")
    assert as_json.json()["paths"].keys() == OPERATIONS.keys()
