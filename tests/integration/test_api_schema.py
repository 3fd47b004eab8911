"""The API is what its schema says, for everybody: schemathesis sends it what the schema allows, and what it does not.

On SQLite as each role, briefly; on PostgreSQL, which is stricter with values, as the role that may do the most, with
every kind of test (slow). The requests are the same in each run. Settings and exclusions: schemathesis.toml.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import PASSWORD, ROOT, Stack, running_stack

# 45 s on a quiet machine. Nearly all of it is schemathesis's own, which a busy machine makes several times as long.
pytestmark = pytest.mark.timeout(450)

HERE = Path(__file__).parent
BRIEFLY = ["--phases", "fuzzing,stateful", "--max-examples", "2"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A web server with rows of every kind and a user of every role. Without workers, whose results would vary."""
    with running_stack(tmp_path_factory.mktemp("a"), request.param, workers=False) as running:
        running.manage("shell", "-v0", "-c", (HERE / "populate.py").read_text())
        yield running


def look(stack: Stack, role: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis against the scanner as a user of this role."""
    server = f"http://127.0.0.1:{stack.port}"
    if role != "stranger":
        answer = stack.http.post(f"{server}/api/v1/auth/token", json={"username": role, "password": PASSWORD})
        options = (*options, "--header", f"Authorization: Token {answer.json()['token']}")
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'schemathesis.toml'}", "run"]
    return subprocess.run(
        [*command, f"{server}/api/schema/", *options],
        cwd=stack.folder,  # it keeps a cache of its own
        env={**stack.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=1100,
    )


def report(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", ["stranger", "reader", "feeder", "operator", "staff"])
def test_every_answer_is_as_the_schema_says_to(stack, role):
    done = look(stack, role, *BRIEFLY)

    assert done.returncode == 0, report(done)
    assert "passed" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_every_kind_of_request_is_answered_as_the_schema_says(stack):
    done = look(stack, "staff")

    assert done.returncode == 0, report(done)
    assert "Tested: " in done.stdout
