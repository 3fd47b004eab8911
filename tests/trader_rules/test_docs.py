"""docs/rules.md has every word with its example, every ready-made rule, and the limits as they are."""

from pathlib import Path

from scanner_app.signals.rules import MAX_RULES
from scanner_app.trader_rules.ready_made import READY_MADE
from scanner_app.trader_rules.syntax import MAX_LENGTH, MAX_NESTING, MAX_PARTS
from scanner_app.trader_rules.values import MAX_BARS
from scanner_app.trader_rules.words import MAX_COUNT, WORDS

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()


def test_every_word_stands_there_with_meaning_and_example() -> None:
    rows = [row.split(" | ") for row in PAGE.splitlines() if row.startswith("| `")]
    found = {row[0].removeprefix("| `").split("`")[0].split("(")[0]: row for row in rows if len(row) == 3}
    for word in WORDS.values():
        assert found[word.name][1:] == [word.meaning, f"`{word.example}` |"], word.name


def test_every_ready_made_rule_stands_there() -> None:
    for rule in READY_MADE:
        assert f"**{rule.name}** ({', '.join(rule.timeframes)}). {rule.meaning}\n\n```\n{rule.expression}\n```" in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (
        f"{MAX_LENGTH:,}",
        f"{MAX_PARTS}, and {MAX_NESTING}",
        f"{MAX_COUNT}",
        f"{MAX_BARS:,}",
        f"{MAX_RULES}",
    ):
        assert f"| {limit} |" in PAGE
