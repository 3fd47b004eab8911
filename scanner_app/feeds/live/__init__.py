"""Live feeds: connections to venues that own the contiguity of their series.

venue.py        what a venue's module must tell
venues.py       the venues by name
alpaca.py       Alpaca, US stocks
binance.py      Binance spot
ccxt.py         other crypto exchanges, by a library that is an extra
demo.py         the demo's own venue, which speaks as Binance does

series.py       decides for one series: hold, ask for history, hand on
acts.py         what it decides, as values
openings.py     where bars open
corrections.py  decides which stored bars to look at again
budget.py       decides when a venue may be asked

process.py      the process of `manage.py feed`
runner.py       the feeds of one venue
followers.py    all series of a venue: what comes goes to series.py, and what that decides is done
old_holes.py    open holes of the ledger, which are asked for again
stream.py       keeps a connection up
connection.py   one connection
history.py      asks for history
intake.py       hands bars to ingest
taken.py        what ingest answered, as values
ledger.py       the ledger of holes
stored.py       what is stored: where series stand, which feeds are configured
report.py       how feeds are doing
managing.py     add, change and remove feeds, by API, pages and admin

May import: what feeds may.
"""
