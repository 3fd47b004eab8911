"""With the true delays, the times taken from the database."""

from datetime import datetime
from itertools import pairwise

import pytest

from tests.integration.stack import running_stack
from tests.integration.test_main_road import bars_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LATE_S = 1.5
"""How much later than due an attempt may begin on a busy machine; never earlier."""


def attempt_times(stack, ticker):
    failures = sorted(stack.rows("failures", symbol=ticker), key=lambda failure: failure["attempt"])
    for earlier, later in pairwise(failures):
        assert later["failed_at"] >= earlier["next_attempt_at"]
    times = [datetime.fromisoformat(failure["failed_at"]) for failure in failures]
    return [(time - times[0]).total_seconds() for time in times], failures


def test_with_the_default_settings_the_later_of_delay_and_half_open_moment_counts(tmp_path):
    with running_stack(tmp_path, "sqlite", SCANNER_FAULT_INJECTION="1") as stack:
        stack.post_bars(bars_of("TSLA", 1))
        stack.wait_for_empty_backlog()
        stack.manage("inject", "TSLA", "--fail", "4")

        stack.post_bars(bars_of("TSLA", 1, first=1))
        stack.wait_for_empty_backlog(deadline_s=100)

        times, failures = attempt_times(stack, "TSLA")
        assert [failure["retry_delay_s"] for failure in failures] == [1, 2, 4, 8]
        for time, due in zip(times, [0, 1, 3, 33], strict=True):
            assert due <= time < due + LATE_S


def test_with_a_threshold_of_99_it_is_exactly_the_list(tmp_path):
    with running_stack(tmp_path, "sqlite", SCANNER_FAULT_INJECTION="1", SCANNER_BREAKER_THRESHOLD="99") as stack:
        stack.post_bars(bars_of("TSLA", 1))
        stack.wait_for_empty_backlog()
        stack.manage("inject", "TSLA", "--fail", "7")

        stack.post_bars(bars_of("TSLA", 1, first=1))
        stack.wait_for_empty_backlog(deadline_s=100)

        times, failures = attempt_times(stack, "TSLA")
        assert [failure["retry_delay_s"] for failure in failures] == [1, 2, 4, 8, 16, 30, None]
        for time, due in zip(times, [0, 1, 3, 7, 15, 31, 61], strict=True):
            assert due <= time < due + LATE_S
        assert len(stack.rows("quarantine", symbol="TSLA")) == 1
