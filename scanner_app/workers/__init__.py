"""What is added to Celery's worker processes.

consumer.py         survive the loss of the broker
queue_following.py  consume the queues of all symbols, also of new ones
heartbeat.py        write which messages the worker holds
autoscale.py        more slots while runs hang
watchdog.py         end a worker that lives but no longer takes messages
beat_backup.py      trigger the evaluation of the alert rules when beat does not
requests.py         report runs that are killed with their process
upkeep.py           the base of tasks that beat triggers again and again
outages.py          the errors that mean: our own database or broker is away
command_lines.py    how workers, beat and the web server are started

A worker's role is on its command line: `celery -A scanner_project worker -Q main` (or slow, upkeep, notify).

May import: mailbox and the rooms below. A worker's parent process must keep no connection to the database open, since
its children are forked from it: only queue_following.py uses one, and closes it at once.
"""
