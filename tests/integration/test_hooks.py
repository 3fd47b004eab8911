"""A hook on a real server: bars come in by its address alone, and its secret is written nowhere."""

from pathlib import Path
from threading import Barrier, Thread

import httpx
import pytest

from tests.conftest import raw_bar
from tests.integration.stack import running_stack

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_bars_come_in_once_by_the_address_alone_and_the_secret_is_in_no_file(tmp_path, database):
    with running_stack(tmp_path, database, workers=False, SCANNER_LOG_LEVEL="DEBUG") as stack:
        token = stack.http.post("hooks", json={"name": "any", "mapping": {}}).json()["token"]
        address = f"http://127.0.0.1:{stack.port}/hooks/{token}"
        together = Barrier(8)
        answers = []

        def send() -> None:
            together.wait()
            answers.append(httpx.post(address, json=raw_bar(), timeout=20))

        threads = [Thread(target=send) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        refused = [
            httpx.post(address, content="no json", timeout=20),
            httpx.post(address + "x", json=raw_bar(), timeout=20),
            httpx.get(address, timeout=20),
        ]

        assert [one.status_code for one in answers] == [202] * 8, [one.text for one in answers]
        assert sum(one.json()["accepted"] for one in answers) == 1
        assert sum(one.json()["duplicates"] for one in answers) == 7
        assert [one.status_code for one in refused] == [400, 404, 405]
        assert len(stack.rows("bars")) == 1
        assert "/hooks/***" in stack.logs()

    secret = token.removeprefix("scanner_hook_")[4:].encode()  # the hint has the first four characters
    assert [path for path in files(tmp_path) if secret in path.read_bytes()] == []


def files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert len(found) > 3
    return found
