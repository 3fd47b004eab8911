"""Whatever a file holds, it ends with bars or with one sentence, and in little memory."""

import gzip
import io
import json
import random
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.options import Options

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROW = "2024-01-02,1,3,0.5,2,100\n"
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

MEGABYTE = 1 << 20


def outcome(path):
    """The number of bars, or the sentence. Anything but FeedError is a failure."""
    try:
        return sum(1 for feed in open_feeds(path, Options(symbol="ACME")) for _ in feed.items)
    except FeedError as exc:
        return str(exc) if "\n" not in str(exc) else ""


def memory_of(path):
    """The outcome, and the most memory that Python had in use for it, in megabytes."""
    tracemalloc.start()
    try:
        return outcome(path), tracemalloc.get_traced_memory()[1] / MEGABYTE
    finally:
        tracemalloc.stop()


MAGIC = [
    b"",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PAR1",
    b"ARROW1\x00\x00",
    b"[",
    b"{",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"BZh9",
    b"\x28\xb5\x2f\xfd",
]


@QUICK
@given(magic=st.sampled_from(MAGIC), noise=st.binary(max_size=2_000))
def test_random_bytes_end_with_a_sentence(tmp_path, magic, noise):
    path = tmp_path / "x.csv"
    path.write_bytes(magic + noise)

    assert isinstance(outcome(path), str)


TEXTS = st.text(st.sampled_from("0123456789-/:.,;\t|\"' \n\rTZaJnKM%$()=é\0\u2028"), max_size=300)


@QUICK
@given(text=TEXTS)
def test_random_rows_under_a_header_end_with_bars_or_a_sentence(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(HEADER + ROW + text, newline="")

    assert outcome(path) != ""


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from([*"ohlcvtx", "bars"]), inner, max_size=6)
    ),
)


@QUICK
@given(value=JSONS)
def test_any_json_ends_with_bars_or_a_sentence(tmp_path, value):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([value]))

    assert outcome(path) != ""


@QUICK
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["gzip", "zip", "parquet", "json", "csv"]))
def test_a_whole_file_with_some_bytes_changed_or_cut_ends_with_bars_or_a_sentence(tmp_path, seed, kind):
    content = bytearray(whole(kind))
    chance = random.Random(seed)  # noqa: S311 - the same on each run
    for _ in range(chance.randint(0, 5)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path / "x"
    path.write_bytes(content[: chance.randint(1, len(content))])

    assert outcome(path) != ""


def whole(kind):
    """A file of 50 bars in a form."""
    text = (HEADER + "".join(f"2024-02-{day % 28 + 1:02},1,3,0.5,2,{day}\n" for day in range(50))).encode()
    if kind == "gzip":
        return gzip.compress(text)
    raw = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", text)
    elif kind == "parquet":
        columns = {name: [1.0] * 50 for name in ("Open", "High", "Low", "Close", "Volume")}
        pq.write_table(pa.table({"Date": [f"2024-02-{day % 28 + 1:02}" for day in range(50)]} | columns), raw)
    elif kind == "json":
        raw.write(json.dumps([[1704153600000 + 60_000 * at, 1, 3, 0.5, 2, 9] for at in range(50)]).encode())
    else:
        return text
    return raw.getvalue()


# --- memory


def test_a_line_of_a_gigabyte_is_given_up_early(tmp_path):
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.truncate(1 << 30)

    said, megabytes = memory_of(path)

    assert "its first line has no end" in said
    assert megabytes < 20


def test_a_long_line_further_down_is_named(write):
    said, megabytes = memory_of(write(HEADER + ROW * 300 + "x" * 3 * MEGABYTE))

    assert "line 302 is longer than 1,048,576 characters" in said
    assert megabytes < 40


def test_a_bomb_is_given_up_early(tmp_path):
    path = tmp_path / "x.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(MEGABYTE))

    said, megabytes = memory_of(path)

    assert "unpacks to more than 200 times its size" in said
    assert megabytes < 20


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param('{"a": "' + "x" * 9 * MEGABYTE, "a single value of more than 8 MB", id="a string without an end"),
        pytest.param("[" * 100_000, "more than 40 levels deep", id="nesting"),
        pytest.param("[[1, 2, 3", "cannot be read as JSON|is cut off", id="cut off"),
        pytest.param('{"a": 1}', "its JSON holds no bars", id="something else"),
        pytest.param("[1, 2, NaN]", "cannot be read as JSON", id="NaN"),
        pytest.param("[[1,2],[3,4]]", "its JSON holds no bars", id="arrays that are too short"),
        pytest.param("[]", "its JSON holds no bars", id="nothing"),
    ],
)
def test_hostile_json_is_a_sentence(write, content, said):
    path = write(content, "x.json")

    with pytest.raises(FeedError, match=said):
        open_feeds(path)


def test_an_array_without_an_end_is_given_up(write, monkeypatch):
    monkeypatch.setattr("scanner_app.feeds.reader.json_leaves.LONGEST", 1_000)

    with pytest.raises(FeedError, match="an array of more than 1,000 values"):
        open_feeds(write(json.dumps({"o": list(range(2_000))}), "x.json"))


@pytest.mark.parametrize(
    "many",
    [
        pytest.param(lambda at: f"{at},2024-01-02,1,3,0.5,2,100\n", id="symbols"),
        pytest.param(lambda at: f"A,{'x' * (at % 3_000)}{at},1,3,0.5,2,100\n", id="forms of times"),
        pytest.param(lambda at: f"A,2024-01-02,{'x' * (at % 3_000)},3,0.5,2,100\n", id="forms of numbers"),
    ],
)
def test_ever_new_cells_take_little_memory(tmp_path, many):
    path = tmp_path / "x.csv"
    with path.open("w") as file:
        file.write("Symbol," + HEADER + "A," + ROW * 1)
        file.writelines(many(at) for at in range(20_000))

    _, megabytes = memory_of(path)

    assert megabytes < 60


# --- what could pass unseen


def test_a_quote_that_swallows_lines_is_refused(read):
    with pytest.raises(FeedError, match="a quote that begins after line 3 ends in line 6 only"):
        read(HEADER + ROW * 2 + '"2024-01-03,1,3,0.5,2,100\n' + ROW * 2)


def test_a_quote_that_swallows_the_rest_of_a_long_file_is_refused(read):
    with pytest.raises(FeedError, match=r"cannot be read: field larger|a quote that begins"):
        read(HEADER + ROW * 300 + '"' + ROW * 9_000)


def test_nul_bytes_spoil_their_line_alone(read):
    feed = read(HEADER + ROW + "2024-01-03,1,\0\0,0.5,2,100\n" + "2024-01-04,1,3,0.5,2,100\n")

    assert [bar["high"] for _, bar in feed.items] == [3.0, "\0\0", 3.0]


def test_formulas_are_text_that_ingest_rejects(read):
    feed = read(HEADER + ROW + '2024-01-03,=1+2,"=HYPERLINK(""http://x"")",0.5,2,100\n')

    assert [bar["open"] for _, bar in feed.items] == [1.0, "=1+2"]


def test_messages_hold_nothing_that_moves_a_cursor(write):
    with pytest.raises(FeedError) as caught:
        open_feeds(write("Date,\x1b[2J\x1b]0;x\x07,Open\n2024-01-02,1,3\n"))

    assert str(caught.value).isprintable()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FeedError, match=r"none\.csv: no such file"):
        open_feeds(Path(tmp_path / "none.csv"))
