"""A running scanner, shared by the tests of a module, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.notifications.conftest import MailServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner whose detectors include those of tests.integration.detectors, which misbehave on request."""
    folder: Path = tmp_path_factory.mktemp("s")
    with running_stack(
        folder,
        request.param,
        SCANNER_DETECTORS="scanner_app.detectors.candlesticks.Candlesticks,tests.integration.detectors.Sleeper"
        ",tests.integration.detectors.Talker",
    ) as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """Where the scanner's mails arrive."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def published() -> None:
    """Real publishing: this replaces the collecting fixture of the unit tests."""
