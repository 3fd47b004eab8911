"""Posting, waiting and reading back, against a scanner that answers as asked and a clock that obeys."""

import httpx
import pytest

from scanner_app.tools.loadtest import client as http
from scanner_app.tools.loadtest import feed
from scanner_app.tools.loadtest.client import Refused, Unreachable
from scanner_app.tools.loadtest.feed import Counts, Posting, drain, post_all, read_back
from scanner_app.tools.loadtest.plan import Plan
from tests.tools.loadtest.scanners import T0, FakeScanner, Time


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def scanner(time):
    return FakeScanner(time)


def plan(**values):
    return Plan(**{"run": "0A1B", "symbols": 4, "rate": 100.0, "seconds": 1.0, "now": T0, **values})


def run(made, scanner, posting=None):
    posting = Posting() if posting is None else posting
    with scanner.client() as client:
        post_all(made, client, posting, clock=scanner.time.clock, sleep=scanner.time.sleep)
    return posting


def test_bars_are_posted_every_tick_as_they_come_due(scanner):
    made = plan()

    posting = run(made, scanner)

    assert [bar for _, bars in scanner.posts for bar in bars] == [made.bar(index) for index in range(100)]
    assert [len(bars) for _, bars in scanner.posts] == [1, *[5] * 19, 4]
    assert [round(at - 1_000, 3) for at, _ in scanner.posts[:3]] == [0, 0.05, 0.1]
    assert (posting.sent, posting.accepted_count, posting.retries) == (100, 100, 0)
    assert posting.elapsed_s == pytest.approx(1.0, abs=1e-3)
    assert posting.late_s == pytest.approx(0.04, abs=1e-3), "a bar waits for the next tick, no longer"


def test_in_bursts_all_symbols_are_posted_at_one_moment(scanner):
    run(plan(burst=True, rate=10), scanner)

    assert [round(at - 1_000, 3) for at, _ in scanner.posts] == [0, 0.4, 0.8]
    assert [len(bars) for _, bars in scanner.posts] == [4, 4, 2]
    assert {bar["symbol"] for bar in scanner.posts[0][1]} == {f"LT0A1B-0{number}" for number in (1, 2, 3, 4)}


def test_a_late_client_sends_all_that_is_overdue_and_says_how_late_it_was(time):
    scanner = FakeScanner(time, post_s=0.31)

    posting = run(plan(), scanner)

    assert [len(bars) for _, bars in scanner.posts] == [1, 35, 35, 29]
    assert (posting.accepted_count, posting.posts_ms) == (100, [310] * 4)
    assert posting.late_s == pytest.approx(0.34, abs=1e-3)


def test_no_post_has_more_bars_than_a_batch(time, monkeypatch):
    monkeypatch.setattr(feed, "MAX_BATCH", 10)
    scanner = FakeScanner(time, post_s=0.31)

    posting = run(plan(), scanner)

    assert [len(bars) for _, bars in scanner.posts] == [1, *[10] * 9, 9]
    assert posting.elapsed_s == pytest.approx(0.35 + 10 * 0.31, abs=1e-3), "without a pause where bars are overdue"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(httpx.ConnectError("refused"), id="nobody listens"),
        pytest.param(httpx.ReadTimeout("late"), id="no answer in time"),
        pytest.param(503, id="the database is down"),
    ],
)
def test_a_post_without_an_answer_of_use_is_repeated_before_anything_else_is_sent(scanner, trouble):
    scanner.answers = [trouble, trouble]

    posting = run(plan(), scanner)

    assert [bars for _, bars in scanner.posts[:3]] == [[plan().bar(0)]] * 3
    assert (posting.retries, posting.sent, posting.accepted_count) == (2, 100, 100)
    assert posting.unanswered == {}
    assert posting.late_s == pytest.approx(0.34, abs=1e-3), "the bars that came due meanwhile; later ones are in time"


def test_a_repeat_of_what_had_been_stored_counts_as_accepted(scanner):
    first = plan().bar(0)
    scanner.store(first)

    posting = run(plan(), scanner)

    assert (posting.accepted_count, posting.duplicates) == (100, 1)


def test_rejected_and_conflicting_bars_are_not_accepted(scanner):
    rejected = {"index": 0, "field": "symbol", "reason": "backlog_full", "message": "full"}
    scanner.answers = [
        {"accepted": 0, "duplicates": 0, "conflicts": [], "rejected": [rejected]},
        {"accepted": 3, "duplicates": 0, "conflicts": [{"index": 1}], "rejected": [rejected]},
    ]

    posting = run(plan(), scanner)

    assert (posting.accepted_count, dict(posting.rejected), posting.conflicts) == (97, {"backlog_full": 2}, 1)
    made = plan()
    missing = {(made.ticker(i), made.timestamp(i)) for i in range(100)}
    missing -= {(ticker, at) for ticker, times in posting.accepted.items() for at in times}
    assert missing == {(made.ticker(i), made.timestamp(i)) for i in (0, 1, 2)}


def test_a_scanner_that_is_gone_for_good_ends_the_posting_with_the_account_so_far(scanner, time):
    scanner.answers = [{"accepted": 1, "duplicates": 0, "conflicts": [], "rejected": []}, *[503] * 1_000]

    posting = run(plan(), scanner)

    assert posting.gave_up == "POST http://scanner/api/v1/scanner/bars got no usable answer: 503 Service Unavailable"
    assert (posting.sent, posting.accepted_count) == (6, 1)
    assert sum(len(each) for each in posting.unanswered.values()) == 5
    assert http.PATIENCE_S - 1 < posting.elapsed_s <= http.PATIENCE_S + 0.1


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        pytest.param(401, Refused, "answered 401: as told; is this scanner's token right", id="a wrong token"),
        pytest.param(403, Refused, "answered 403: as told; .*scanner_app.add_bar", id="a user without the permission"),
        pytest.param(404, Refused, "answered 404: as told; is a scanner at this URL", id="another server"),
        pytest.param(301, Refused, "answered 301", id="sent elsewhere"),
        pytest.param(
            {
                "accepted": 0,
                "duplicates": 0,
                "conflicts": [],
                "rejected": [{"index": 0, "field": "symbol", "reason": "unknown_symbol", "message": "LT: not listed"}],
            },
            Refused,
            "needs new symbols, and the scanner accepts none: LT: not listed",
            id="a closed watch list",
        ),
    ],
)
def test_a_scanner_that_takes_nothing_ends_the_test_at_once(scanner, answer, error, message):
    scanner.answers = [answer]

    with pytest.raises(error, match=message):
        run(plan(), scanner)

    assert len(scanner.posts) == 1


def test_a_scanner_that_never_answers_is_unreachable(scanner):
    scanner.answers = [httpx.ConnectError("refused")] * 1_000

    with pytest.raises(Unreachable, match="got no usable answer: refused"):
        run(plan(), scanner)


def test_ctrl_c_leaves_a_whole_account(scanner):
    posting = Posting()
    scanner.answers = [{"accepted": 1, "duplicates": 0, "conflicts": [], "rejected": []}, KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt):
        run(plan(), scanner, posting)

    assert (posting.sent, posting.accepted_count) == (6, 1)
    assert sum(len(each) for each in posting.unanswered.values()) == 5
    assert posting.elapsed_s == pytest.approx(0.05, abs=1e-3)


# --- afterwards


def test_the_backlog_of_the_tests_own_symbols_is_waited_for(scanner, time):
    run(plan(), scanner)
    scanner.backlogs = [3, 1]

    with scanner.client() as client:
        took, counts = drain(plan(), client, deadline_s=30, clock=time.clock, sleep=time.sleep)

    assert took == pytest.approx(2 * feed.POLL_S, abs=1e-3)
    assert counts == dict.fromkeys(plan().tickers, Counts(bars_processed=25, backlog=0))


def test_a_backlog_that_stays_is_waited_for_until_the_deadline(scanner, time):
    run(plan(), scanner)
    scanner.backlogs = [1] * 1_000

    with scanner.client() as client:
        took, counts = drain(plan(), client, deadline_s=30, clock=time.clock, sleep=time.sleep)

    assert took == pytest.approx(30, abs=feed.POLL_S)
    assert counts == dict.fromkeys(plan().tickers, Counts(bars_processed=25, backlog=1))


def test_all_pages_of_every_symbol_are_read_back(scanner):
    made = plan()
    run(made, scanner)

    with scanner.client() as client:
        read = dict(read_back(made.tickers, client, dict.fromkeys(made.tickers, Counts(25, 3))))

    assert list(read) == made.tickers
    for ticker, found in read.items():
        assert sorted(row.sequence for row in found.rows) == list(range(1, 26))
        assert {row.timestamp for row in found.rows} == {
            made.timestamp(index) for index in range(100) if made.ticker(index) == ticker
        }
        assert (found.bars_processed, found.backlog) == (25, 3)
        assert (found.rows[0].status, found.rows[0].latency_ms) == ("processed", 12)
