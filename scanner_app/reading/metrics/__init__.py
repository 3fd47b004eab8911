"""The page that Prometheus reads.

gauges.py  what is now: read from database and broker at the moment of a scrape
page.py    these and the counters of `telemetry`, in the format that was asked for
"""
