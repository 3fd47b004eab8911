"""Where bars come from: files, the bundled series and live feeds.

reader/          bars out of anyone's file
hooks/           bars that other programs send to a secret address
live/            live feeds: venues' streams and their history, without holes
demo_venue/      a venue of our own, for DEMO=live and for tests
bundled.py       the price series that ship with the scanner
dry_run.py       how a file is understood, in words
history_bars.py  bars of files, or stored ones, as series in memory
replay.py        feed bars to ingest, in order and at a pace
following_on.py  leave out what is stored
pace.py          when each bar is due, and how long the rest will take
patience.py      wait for a database that is away
stopping.py      stop by a signal, but not in the middle of something
tally.py         what became of each bar

All bars go through `scanner_app.engine.ingest`, which the command `replay` passes in as an argument.

May import: alerts and the rooms below; it uses domain and data, and of workers what counts as an outage.
"""
