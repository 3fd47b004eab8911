"""Metrics for Prometheus.

slots.py    where a process counts: a numbered place of its own, taken over by the next when it ends
counted.py  what happens: bars, runs, latencies, the sweeper's actions; counted where it happens
state.py    what is: read from database and broker at the moment of a scrape
page.py     both together, in the format that was asked for
"""
