"""Pages: the live board, symbols, bars, rules, feeds, detectors, worth, the past, runbook, tokens, hooks, signing in.

views.py    the board, a symbol's page, the runbook, the guarantees, signing in, the way to Flower
bars.py     the page of one bar
past.py     the board as it was at a time, and what other breaker settings would have changed
feeds.py    the live feeds and their open holes
detectors.py  the detectors: which are off, how they fail, switching them
tokens.py   one's own tokens
hooks.py    one's own hooks
signals.py  the newest signals, and more as they come
rules.py    rules and watch lists
worth.py    what signals were worth
documents.py  the texts of the runbook and of the guarantees as HTML
refused.py  what is said when a form or a user is refused
version.py  the version at the foot of the pages
urls.py     the addresses

May import: api and the rooms below.
"""
