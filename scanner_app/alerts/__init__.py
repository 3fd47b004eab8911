"""Telling the administrators of trouble: written with the transition, sent by a task of its own.

notices.py   what the mailbox writes in its transaction
compose.py   the texts. Pure
digests.py   which messages wait for their like and become one. Pure
channels.py  the configured channels, and sending by one of them
deliver.py   pending rows to their channels, with retries
asking.py    ask for a delivery, after the commit
tasks.py     the Celery task

`notices` is imported by the mailbox and imports nothing of it. Described in docs/notifications.md.
"""
