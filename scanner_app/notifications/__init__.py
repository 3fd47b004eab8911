"""How anybody is told anything: notifications to the administrators, and sending by the channels of traders.

outbox.py    notifications as rows, written in the transaction of what they report
texts.py     subjects and bodies. Pure
digests.py   which notifications are sent alone, and which are combined in a digest. Pure
channels.py  the channels of the settings, and sending one message by one of them or by a trader's
delivery.py  send what is due, with retries
webhooks.py  one signed webhook, by Standard Webhooks
public_only.py  while on, no connection to private addresses
sealing.py   secrets as they are stored
silences.py  which silences are in force
trigger.py   have the notify worker deliver, after the commit
links.py     the addresses in messages and answers

May import: messaging and the rooms below. Described in docs/notifications.md, traders' channels in
docs/channels.md.
"""
