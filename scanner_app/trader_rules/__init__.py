"""The language in which traders write their rules: from a text to a condition on one bar. Described in docs/rules.md.

errors.py       what is wrong with an expression, and where
syntax.py       from a text to its checked tree: whose size and form are bounded before anything else looks at it
words.py        the words that a rule may use, each with its type, its arguments and an example
indicators.py   what the words compute over the last values of a series
values.py       numbers and conditions of a bar
calls.py        a word where it stands, with its arguments
meanings.py     what each word means
compiling.py    from a tree to numbers and conditions that can be asked about a bar
frames.py       what a rule sees of one bar: window, signals, other timeframes, session
explaining.py   each part of a condition with its value and whether it held
later.py        NumPy and TA-Lib, imported with the first bar
ready_made.py   rules to copy (ready_made.toml)

Nothing here reads a clock, the database or a setting. A rule's value depends on its frame alone, so asking again about
the same bar gives the same answer.

May import: detectors (windows, signals, TA-Lib), domain and NumPy.
"""

from scanner_app.trader_rules.compiling import compiled
from scanner_app.trader_rules.errors import ExpressionError
from scanner_app.trader_rules.explaining import Part, explain, values_of
from scanner_app.trader_rules.frames import Frame
from scanner_app.trader_rules.values import Expression

__all__ = ["Expression", "ExpressionError", "Frame", "Part", "compiled", "explain", "values_of"]
