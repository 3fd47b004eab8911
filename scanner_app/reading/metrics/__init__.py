"""The page that Prometheus reads.

gauges.py  the current state: read from database and broker at the moment of a scrape
page.py    gauges and the counters of `telemetry`, in the requested format
"""
