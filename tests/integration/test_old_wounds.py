"""What has hurt others, by name."""

import pytest

from tests.integration.stack import running_stack
from tests.integration.test_main_road import bars_of, check_account, fresh_tickers, in_turns
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_twenty_blocked_symbols_with_a_thousand_waiting_bars_each_hold_nobody(tmp_path):
    with running_stack(tmp_path, "sqlite", SCANNER_FAULT_INJECTION="1") as stack:
        tickers = fresh_tickers(200)
        blocked, healthy = tickers[:20], tickers[20:]
        stack.post_bars(in_turns(tickers, 1))
        stack.wait_for_empty_backlog()
        for ticker in blocked:
            stack.http.post(f"symbols/{ticker}/disable", json={})
        for ticker in blocked:
            stack.post_bars(bars_of(ticker, 1000, first=1))

        stack.post_bars(in_turns(healthy, 10, first=1))
        wait_until(lambda: stack.status()["backlog"] == 20 * 1000, "all healthy symbols are through", deadline_s=120)

        check_account(stack, healthy[::20], 11)
        assert all(stack.symbol(ticker)["backlog"] == 1000 for ticker in blocked)


def test_a_probe_that_never_reports_does_not_hold_the_breaker_for_ever(tmp_path):
    with running_stack(
        tmp_path,
        "sqlite",
        SCANNER_FAULT_INJECTION="1",
        SCANNER_RETRY_DELAYS="0.2,0.2,0.2",
        SCANNER_BREAKER_RECOVERY_S="2",
    ) as stack:
        stack.post_bars(bars_of("TSLA", 1))
        stack.wait_for_empty_backlog()
        stack.manage("inject", "TSLA", "--fail", "3")
        stack.post_bars(bars_of("TSLA", 2, first=1))
        wait_until(lambda: stack.symbol("TSLA")["circuit_state"] == "open", "the breaker opens")
        stack.manage("inject", "TSLA", "--hang", "60")
        wait_until(lambda: stack.symbol("TSLA")["circuit_state"] == "half_open", "the probe runs")

        stack.kill("main")  # with the probe in it
        stack.start_worker("main", "main")
        stack.wait_for_empty_backlog(deadline_s=90)

        assert stack.symbol("TSLA")["circuit_state"] == "closed"
        check_account(stack, ["TSLA"], 3)
