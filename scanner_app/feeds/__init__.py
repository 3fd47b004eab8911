"""Where bars come from: files and the bundled series, later also live feeds.

files.py    bars from CSV and Parquet files
bundled.py  the price series that ship with the scanner
replay.py   feed bars to ingest, in order and at a pace
tally.py    what became of each bar

All bars go through `scanner_app.engine.ingest`, which the command `replay` passes in as an argument.

May import: alerts and the rooms below; it uses domain and data, and of workers what counts as an outage.
"""
