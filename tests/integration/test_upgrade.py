"""An upgrade to ready lists: messages without a name in the queues, and an old worker that still runs."""

import redis

from tests.integration.stack import running_stack
from tests.integration.test_main_road import check_account, fresh_tickers, in_turns
from tests.waiting import wait_until

OLD = "tests.integration.old_worker"
BARS = 15


def test_bars_that_old_processes_published_and_take_are_done_once_and_in_order(tmp_path):
    with running_stack(tmp_path, "sqlite", workers=False, SCANNER_SWEEP_S="0.5", SCANNER_HEARTBEAT_S="0.5") as stack:
        tickers = fresh_tickers(6)
        with redis.Redis.from_url(stack.redis.url) as broker:
            stack.post_bars(in_turns(tickers, BARS))
            broker.delete("ready.main")  # the processes of before named none
        queues = ",".join(f"symbol.{ticker}" for ticker in tickers[:4])
        stack.start("old", "celery", "-q", "-A", OLD, "worker", "-E", "-Q", queues, "-n", "old@test", "-c", "2")
        stack.start_workers()
        wait_until(lambda: stack.get("/readyz").status_code == 200, "the scanner is ready")

        stack.post_bars(in_turns(tickers, BARS, first=BARS))  # old and new workers take them side by side
        stack.wait_for_empty_backlog()

        check_account(stack, tickers, 2 * BARS)
        assert [row for ticker in tickers for row in stack.rows("failures", symbol=ticker)] == []
        assert all(stack.processes[name].poll() is None for name in ("old", "main"))  # nobody was taken for deaf
