"""What is wrong, and telling the administrators of it.

rules/         the alert rules: data and a pure function each
limits.py      their limits, from the settings
facts.py       gather what they judge
lifecycle.py   pending, firing, recovering, resolved; what is told when. Pure
evaluate.py    judge the facts, and write down what has changed
acts.py        operators' acts on an alert: acknowledge, silence
ping.py        tell a watcher outside that all is well

notices.py     what is told, as rows written with what it tells of
compose.py     the texts. Pure
digests.py     which messages wait for their like and become one. Pure
channels.py    the configured channels, and sending by one of them
deliver.py     pending rows to their channels, with retries
asking.py      ask for a delivery, after the commit
tasks.py       the Celery tasks

`notices` is imported by the mailbox and imports nothing of it. Described in docs/alerts.md and docs/notifications.md.

May import: reading and the rooms below.
"""
