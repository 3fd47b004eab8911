"""What is no rule is refused with its place, and hostile text in a moment."""

import time

import pytest

from scanner_app.trader_rules import ExpressionError, compiled
from scanner_app.trader_rules.syntax import MAX_LENGTH
from scanner_app.trader_rules.words import WORDS


def refused(text: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "character 1: there is nothing here"),
        ("close >", "character 8: something is missing"),
        ("close and open > 2", "character 1: close is a number; compare it"),
        ("open > 1 and closee > 2", "character 14: closee is no word of rules; did you mean close?"),
        ("close > sma('closs', 20)", "character 14: closs is no word of rules"),
        ("close > sma('close + ', 20)", "character 21: something is missing"),
        ("close > sma(close)", "character 9: sma takes (of, bars)"),
        ("close > sma('close', 1.5)", "character 22: bars of sma must be a whole number"),
        ("close > sma('close', 501)", "character 22: bars of sma must be a whole number from 2 to 500"),
        ("close > 'text'", "character 9: a text is no number"),
        ("any_bullish > 2", "character 1: any_bullish is a condition"),
        ("close(3) > 2", "character 1: close stands alone"),
        ("close = 3", "character 7: '=' has no meaning here; compare with =="),
        ("close =~ 'x'", "character 7: '=' has no meaning here"),
        ("close > 2 ** 9", "character 9: ** has no meaning"),
        ("close[1] > 2", "character 6: '[' has no meaning here; write previous"),
        ("close.real > 2", "character 6: '.' has no meaning here"),
        ("close > 1_000", "character 9: this is no number"),
        ("close > 0x10", "character 9: this is no number"),
        ("close > 1e999", "character 9: this is no number"),
        ("close > 1 if open else 2", "character 11: 'if' is no word of rules"),
        ("close > \u00e9", "character 9: '\u00e9' has no meaning here"),
        ("pattern('\u00e9\u00e9') and blu", "character 19: blu is no word"),
        ("pattern(close)", "character 9: pattern takes the name of a pattern as text"),
        ("pattern('a' 'b')", "character 9: write one text"),
        ("f'x' == close", "character 1: this has no meaning"),
        ("sma(rb'close', 3) > 2", "character 5: a text is no number"),
        ("sma(of='close', bars=3) > 2", "character 7: '=' has no meaning here"),
        ("on('7x', close > 3)", "character 4: the timeframe of on must be"),
        ("on('1h', on('1d', close > 3))", "character 10: on can't be used inside of another on"),
        ("on('1h', any_bullish)", "character 10: any_bullish is of the bar itself"),
        ("sma(strength, 3) > 2", "character 5: strength has no past"),
        ("macd(26, 12, 9) > 0", "character 1: fast of macd must be less than slow"),
        ("close > 3 # why", "character 11: '#' has no meaning here"),
        ("'close", "character 1: this text does not end"),
        ("(close > 3", "character 1: this can't be read"),
        ("sma(sma(sma(sma(sma(close,500),500),500),500),500)>3", "character 1: this needs 2,496 bars"),
        ("on('1h', sma(sma(sma(sma(sma(close,500),500),500),500),500)>3)", "character 1: this needs 2,496 bars"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    assert refused(text).startswith(said), refused(text)


HOSTILE = [
    "(" * 2_000,
    "(" * 1_000 + ")" * 1_000,
    "-" * 2_000,
    "not " * 500,
    "close > 1 << 999999999",
    "9**9**9 > close",
    "close > " + "9" * 1_900,
    "abs(" * 400,
    "sma('" * 300,
    "'" * 1_999,
    '"' * 2_000,
    "close" + " + close" * 270 + " > 1",
    "close > 1" + " and close > 1" * 140,
    "1<" * 990,
    "a" * 2_000,
    "close > " + "x" * 1_900,
    "__import__('os')",
    "().__class__.__mro__",
    "lambda: 0",
    "[x for x in close]",
    "{" * 1_000,
    "close\x00 > 1",
    "\ud800 > 1",
    "\n" * 2_000,
    "on('1h'," * 200,
    "pattern('" + "(a+)+$" * 300 + "')",
    "close > 1;" * 200,
    "close = 1 or exec('x')",
    "\\" * 2_000,
    "!" * 2_000,
    "`id`",
    "${7*7}",
    "%s" * 1_000,
    "sma(close, " * 150,
    "previous(" * 200 + "close" + ",500)" * 200 + ">1",
    "close >" * 250,
    "or " * 600,
    ",".join(["close"] * 300),
    "abs(" * 19 + "close" + ")" * 19 + " > " + "1" * 200 + "e99",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_ends_in_a_moment(number: int) -> None:
    text = HOSTILE[number]
    took, places = [], [0]
    for _ in range(3):  # the quickest: the machine may be busy
        compiled.cache_clear()
        began = time.process_time()
        try:
            compiled(text)
        except ExpressionError as exc:
            places.append(exc.place)
        took.append(time.process_time() - began)
    assert min(took) < 0.01
    assert 0 <= min(places) <= max(places) <= len(text)


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    assert "at most 2,000 characters" in refused("close > 1 " + " " * MAX_LENGTH)


@pytest.mark.parametrize("word", WORDS.values(), ids=list(WORDS))
def test_the_example_of_every_word_is_a_rule_with_that_word(word: object) -> None:
    example = getattr(word, "example")  # noqa: B009 - mypy knows no attributes of a parameter's object
    assert getattr(word, "name") in example  # noqa: B009
    compiled(example)
