"""What a worker is for."""

import pytest

from scanner_app.domain.worker_roles import role_of


@pytest.mark.parametrize(
    ("queues", "name"),
    [
        pytest.param(["main", "symbol.AAPL"], "main", id="main"),
        pytest.param(["slow.symbol.AAPL", "slow"], "slow", id="slow"),
        pytest.param(["upkeep"], "upkeep", id="upkeep"),
        pytest.param(["notify"], "notify", id="notify"),
        pytest.param(["hits"], "hits", id="hits"),
    ],
)
def test_a_workers_role_is_its_base_queue(queues, name):
    assert role_of(queues) == name
