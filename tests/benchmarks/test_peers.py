import ast
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import catalogue
from benchmarks.peers.driver import overtaken
from benchmarks.peers.engines import Done
from benchmarks.peers.feed import Plan, run

T0 = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def done(symbol: str, *numbers: int) -> list[Done]:
    return [
        Done(symbol=symbol, position=position, number=number, accepted_at=T0, finished_at=T0)
        for position, number in enumerate(numbers, start=1)
    ]


def test_bars_done_in_order_are_not_overtaken_whatever_other_symbols_do():
    assert overtaken(done("A", 1, 2, 3) + done("B", 1, 2)) == 0


def test_a_bar_done_after_a_later_one_is_overtaken():
    assert overtaken(done("A", 2, 3, 1, 4)) == 1


def test_a_bar_that_is_done_again_is_not_overtaken():
    assert overtaken(done("A", 1, 2, 1, 3)) == 0


def test_a_plan_numbers_the_bars_of_each_symbol_and_says_which_of_them_fail():
    sent = []

    class Engine:
        def send(self, bars):
            sent.extend(bars)

    run(Engine(), Plan(symbols=["A", "B"], bars=4, first=2, fails={"3": 2}))
    assert [(bar.symbol, bar.number, bar.fails) for bar in sent] == [("A", 2, 0), ("B", 2, 0), ("A", 3, 2), ("B", 3, 2)]


def test_each_peer_says_what_it_does_not_guarantee():
    for peer in catalogue.PEERS:
        source = (Path(catalogue.__file__).parent / f"{peer.module}.py").read_text()
        assert "\nNot guaranteed\n- " in (ast.get_docstring(ast.parse(source)) or ""), peer.name
        assert peer.lacks
