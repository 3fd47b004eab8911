"""What the processes record about their own work.

counters.py    counters and histograms for Prometheus, raised where things happen
slots.py       one numbered file of counters for each living process
pulse.py       shows whoever started this process that it is not frozen
request_id.py  the id of the current HTTP request, for logs and bars
security_log.py  who did what from where

May import: detectors and domain.
"""
