"""What happens to a bar, from its arrival to its removal. Only the mailbox changes a symbol's state.

ingest.py           validate bars and have the mailbox accept them
validation.py       what makes a bar valid
off_grid.py         bars with a timestamp that no bar of their timeframe can have
forming.py          bars whose period is not over: find, keep and show them
assuming.py         what becomes of them after their period
overlap.py          bars beside the stored ones, without changing anything
runs.py             the bodies of the tasks that run a head or a control run
window.py           the bars that the detectors see
recent_windows.py   the long ones that this process has seen last, so that it need not read them again
detection.py        run the detectors
detector_switches.py  switch detectors off and on for all symbols, and which are off
incidents.py        detectors that fail on many symbols at once: told once, switched off by setting
broken_detectors.py  the task that judges them, and lets the symbols go on that they stop
probing.py          try a detector that an incident has switched off
detector_versions.py  tell the timelines when a detector has another version
window_gaps.py      how many bars are missing in the windows of signals
canary.py           the canary's own detector, which fails as a drill wants
deriving.py         make bars of higher timeframes from those of a smaller one
base_bars.py        what they are made of
remaking.py         make them again after changes
rule_book.py        which traders' rules look at which bars
judging.py          ask them about a bar
history.py          run detectors and rules over series in memory, without storing
reruns.py           have the detectors look again at bars that were revised, or that they have missed
autopsy.py          a bar in quarantine as a test that fails as it failed
fault_injection.py  make a symbol's runs fail on request
sweeping.py         find out which deliveries are where, for the sweeper
gaps.py             find and count missing bars
removal.py          delete a symbol with its rows
retention.py        remove old bars and records

May import: workers (the errors of an outage), mailbox and the rooms below.
"""
