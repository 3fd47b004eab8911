"""How anybody is told anything.

outbox.py    messages as rows, written in the transaction of what they tell of
texts.py     subjects and bodies. Pure
digests.py   which messages go out alone, and which become one. Pure
channels.py  the configured channels, and sending one message by one of them
delivery.py  send what is due, with retries
trigger.py   ask the notify worker to deliver, after the commit

May import: messaging and the rooms below. Described in docs/notifications.md.
"""
