"""What happens to a bar, from its arrival to its removal. Only the mailbox changes a symbol's state.

ingest.py           validate bars and have the mailbox accept them
runs.py             the bodies of the tasks that run a head or a control run
window.py           the bars that the detectors see
detection.py        run the detectors
fault_injection.py  make a symbol's runs fail on request
sweeping.py         find out which deliveries are where, for the sweeper
gaps.py             find and count missing bars
removal.py          delete a symbol with its rows
retention.py        remove old bars and records

May import: workers (the errors of an outage), mailbox and the rooms below.
"""
