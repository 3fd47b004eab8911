"""What a reader of the stream counts, however its bytes come in pieces."""

import pytest

from benchmarks import goal_tables, streams
from benchmarks.stream_readers import Got

SENT = (
    b'77\r\nid: 7\nevent: signal\ndata: {"id":1}\n\n\r\n'
    b"9\r\nid: 7\n: \n\n\r\n"
    b'ee\r\nid: 8\nevent: hit\ndata: {"id":1}\n\nid: 9\nevent: signal\ndata: {"id":2}\n\n\r\n'
)
"""Three chunks of an answer: a signal, a comment, a hit and a signal."""


@pytest.mark.parametrize("size", [1, 7, len(SENT)])
def test_each_signal_is_counted_once_and_nothing_else_is(size):
    got = Got(timed=False)

    for place in range(0, len(SENT), size):
        got.take(SENT[place : place + size])

    assert got.numbers == [7, 9]


def test_ratios_are_those_to_the_first_case():
    one = dict.fromkeys(streams.RATIOS, 10.0)
    figures = {name: 1.0 for name in goal_tables.STREAM_FIGURES if name not in one} | one

    rows = streams._rows({0: [one | figures], 200: [figures | {"bar_p95_ms": 30.0}, figures | {"bar_p95_ms": 20.0}]})

    assert rows[1]["ratios"] == {**dict.fromkeys(streams.RATIOS, 1.0), "bar_p95_ms": 2.5}
    assert "| 0 open streams | 200 open streams |" in goal_tables.streams(rows)
