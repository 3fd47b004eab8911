"""The encoding of a text is found from all of its bytes."""

import io

import pytest

from scanner_app.feeds.reader.encoding import find_encoding

TEXT = "Date,Open,Höhe\n2024-01-02,1,3\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(TEXT.encode(), "UTF-8", id="UTF-8"),
        pytest.param(TEXT.encode("utf-8-sig"), "UTF-8 with a byte order mark", id="with a mark"),
        pytest.param(TEXT.encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param("\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), "UTF-16", id="big-endian"),
        pytest.param(TEXT.encode("utf-16-le"), "UTF-16", id="without a mark"),
        pytest.param(TEXT.encode("utf-16-be"), "UTF-16", id="big-endian without a mark"),
        pytest.param(TEXT.encode("latin-1"), "Latin-1", id="Latin-1"),
        pytest.param(b"Date,Open\n\0\0\0\0", "UTF-8", id="a few nul bytes are no UTF-16"),
    ],
)
def test_an_encoding_is_recognised(content, name):
    encoding = find_encoding(io.BytesIO(content))

    assert encoding.name == name
    assert content.decode(encoding.codec).lstrip("\ufeff").startswith("Date,Open")


def test_latin_1_is_the_last_resort_and_says_which_line_made_it_so():
    content = b"Date,Open\n" * 200_000 + b"\xe4\n" + b"Date,Open\n"

    assert find_encoding(io.BytesIO(content)).why == "read as Latin-1, because line 200001 is not UTF-8"


@pytest.mark.parametrize(
    ("header", "codec", "name"),
    [
        ("日期,开盘,最高,最低,收盘,成交量", "gbk", "GBK"),
        ("日期,開盤價,最高價,最低價,收盤價", "big5", "Big5"),
        ("日付,始値,高値,安値,終値,出来高", "cp932", "Shift JIS"),
        ("일자,종가,시가,고가,저가,거래량", "euc-kr", "EUC-KR"),
        ("Дата;Цена;Откр.;Макс.;Мин.;Объём", "cp1251", "Windows-1251"),
        ("Tarih;Şimdi;Açılış;Yüksek;Düşük;Hac.", "cp1254", "Windows-1254"),  # noqa: RUF001 - it has no dot
    ],
)
def test_an_old_encoding_is_the_one_in_which_the_columns_have_names(header, codec, name):
    encoding = find_encoding(io.BytesIO(f"a title\n{header}\n2024-01-02,1,2\n".encode(codec)))

    assert encoding.name == name
    assert header in f"a title\n{header}".encode(codec).decode(encoding.codec)


def test_plain_names_do_not_call_for_an_old_encoding():
    assert find_encoding(io.BytesIO(b"Date,Open,High,Low,Close\nM\xfcnchen\n")).name == "Latin-1"


def test_a_mark_that_does_not_keep_its_word_is_not_believed():
    assert find_encoding(io.BytesIO(b"\xef\xbb\xbfDate\n\xe4\n")).name == "Latin-1"


def test_a_character_across_two_pieces_is_no_fault():
    content = b"x" * ((1 << 20) + (64 << 10) - 1) + "€".encode()

    assert find_encoding(io.BytesIO(content)).name == "UTF-8"
