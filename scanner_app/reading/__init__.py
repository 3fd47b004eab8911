"""Reads of database and broker, as values for API, admin, pages, alerts and metrics. Nothing here writes.

symbol_status.py       the status of each symbol
status.py              the overall status: counts, and what is wrong
board.py               the live board, cached
chart.py               a symbol's bars and signals
timeline.py            what happened to a symbol or a bar
explanation.py         why a symbol is as it is, and what can be done
symbols.py             find symbols by ticker
quarantine_entries.py  the bars in quarantine
admin_start_page.py    the admin's start page
readiness.py           whether database, broker and workers are there
clocks.py              how far the workers' clocks are off
metrics/               the page that Prometheus reads
encoding.py            JSON by orjson

May import: engine and the rooms below.
"""
