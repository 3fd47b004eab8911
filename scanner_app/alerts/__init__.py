"""Alerts: find what is wrong with the scanner, and notify the administrators.

gather.py        collect the facts that the rules judge
evaluate.py      apply the rules to the facts, and store what has changed
lifecycle.py     pending, firing, recovering, resolved, and when a notification is due. Pure
silences.py      nothing is sent about a rule or a symbol until a time
acknowledge.py   operators' actions on an alert: acknowledge, silence
unexpected.py    note errors of the web, of tasks and of programs that nobody expected
drill.py         prove the alarm path: walk the canary through failure, breaker, message and recovery
watcher_ping.py  ping an outside watcher while all is well

The rules themselves are in domain/alert_rules. May import: reading and the rooms below. Described in docs/alerts.md.
"""
