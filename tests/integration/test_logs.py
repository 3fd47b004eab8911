"""What the real processes log: each line JSON, and a request's id from HTTP into the run of its bar."""

import json
from typing import Any

from tests.integration.detectors import TALKS
from tests.integration.stack import Stack
from tests.integration.test_main_road import bars_of, fresh_tickers
from tests.waiting import wait_until

PROGRAMS = ("web", "main", "slow", "upkeep", "notify", "hits", "beat")


def lines_of(stack: Stack, program: str) -> list[dict[str, Any]]:
    """Every line that a program has written; fails on one that is no JSON."""
    return [json.loads(line) for line in (stack.folder / f"{program}.log").read_text().splitlines()]


def test_a_requests_id_is_in_every_line_of_its_bars_runs_and_of_no_others(stack):
    (ticker,) = fresh_tickers(1)

    for minute in range(2):
        (bar,) = bars_of(ticker, 1, first=minute, volume=TALKS)
        answer = stack.http.post("bars", json=bar, headers={"X-Request-ID": f"{ticker}-{minute}"})
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (202, f"{ticker}-{minute}")
    wait_until(lambda: stack.rows("failures", symbol=ticker), "the first bar fails")
    stack.http.post(f"symbols/{ticker}/skip")
    wait_until(lambda: len({row["bar"] for row in stack.rows("failures", symbol=ticker)}) == 2, "then the second")

    lines = [line for line in lines_of(stack, "main") if line.get("symbol") == ticker and "bar_time" in line]
    assert {line["event"] for line in lines} == {"logged by a library", "printed by a detector", "bar_failed"}
    for minute in range(2):
        of_the_bar = [line for line in lines if line["sequence"] == minute + 1]
        assert {line["bar_time"] for line in of_the_bar} == {f"2024-01-01T00:0{minute}:00Z"}
        assert {line["request_id"] for line in of_the_bar} == {f"{ticker}-{minute}"}
        assert 1 in {line["attempt"] for line in of_the_bar}
    requests = [line for line in lines_of(stack, "web") if line.get("request_id", "").startswith(f"{ticker}-")]
    assert [(line["event"], line["method"], line["status"]) for line in requests] == [("request", "POST", 202)] * 2
    stack.http.post(f"symbols/{ticker}/disable")


def test_what_every_program_writes_is_json(stack):
    for program in PROGRAMS:
        for line in lines_of(stack, program):
            assert {"timestamp", "level", "logger", "event"} <= set(line), program
    assert lines_of(stack, "web")
    assert lines_of(stack, "main")
