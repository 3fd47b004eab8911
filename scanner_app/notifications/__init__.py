"""Notifications to the administrators, by mail and other channels.

outbox.py    notifications as rows, written in the transaction of what they report
texts.py     subjects and bodies. Pure
digests.py   which notifications are sent alone, and which are combined in a digest. Pure
channels.py  the configured channels, and sending one message by one of them
delivery.py  send what is due, with retries
trigger.py   have the notify worker deliver, after the commit
links.py     the addresses in messages and answers

May import: messaging and the rooms below. Described in docs/notifications.md.
"""
