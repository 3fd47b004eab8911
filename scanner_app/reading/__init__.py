"""Reads of database and broker, as values for API, admin, pages, alerts and metrics.

Nothing here writes, but for the small writes with which write_checks.py tries whether any write succeeds, and the
numbers that stream.py has given to what it shows.

symbol_status.py       the status of each symbol
status.py              the overall status: counts, and what is wrong
board.py               the live board, cached
past_board.py          the board as it was at a time, from events and bars
prices.py              the last price of each symbol, for the board
stream.py              the stream of signals and hits: who reads it, and how far
stream_events.py       what its events are
chart.py               a symbol's bars and signals
drawings.py            lines on the chart that show what signals saw
bar_status.py          the status of a bar as it is shown
bar_page.py            all that is known of one bar
timeline.py            what happened to a symbol or a bar
unexpected.py          the unexpected errors of the last minutes
explanation.py         why a symbol is as it is, and what can be done
symbols.py             find symbols by ticker
symbol_filters.py      choose symbols by how they are doing
queues.py              the names of all queues, for Flower
log_proof.py           that every accepted bar was done with once and in order
quarantine_entries.py  the bars in quarantine
feeds.py               how the live feeds are doing
detectors.py           which detectors run, which are off, and what they have missed
failure_groups.py      failures by their kind
reruns.py              the spans of bars that the detectors look at again
what_if.py             the failures that there were, for other breaker settings
admin_start_page.py    the admin's start page
drills.py              what the drills of the alarm path have shown
readiness.py           whether database, broker and workers are there
strangers.py           what people who are not signed in may read
write_checks.py        whether database and broker take a write
clocks.py              how far the workers' clocks are off
metrics/               the page that Prometheus reads
encoding.py            JSON by orjson

May import: engine and the rooms below.
"""
