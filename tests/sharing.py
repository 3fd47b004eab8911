"""How `make test` shares the tests out between processes: a plugin beside pytest-xdist."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

CHAINS = {
    **dict.fromkeys(
        [f"tests/integration/test_{name}.py" for name in ("api_schema", "faults", "mail", "names_and_messages")],
        "faults and other people's requests",
    ),
    "tests/integration/": "the other scanners",
}
"""Tests that stay in one process, one after the other, by how their path begins: the first that fits.

Those of a module share a scanner, which is started once that way. There are two chains, of about the same length, so
that no more than two of these scanners compete for the processors.
"""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Chains first, as they take longest; then each test goes to the process that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return next((chain for path, chain in CHAINS.items() if nodeid.startswith(path)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` is: one a core, and the chains, which mostly wait; none for a part that is named."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return 0  # to start the others would take longer than most parts
    return (os.cpu_count() or 1) + len(set(CHAINS.values()))
