"""What is added to Celery's worker processes.

consumer.py         survive the loss of the broker
queue_following.py  consume the queues of the symbols that there are
heartbeat.py        write which messages the worker holds
autoscale.py        more slots while runs hang
watchdog.py         end a worker that lives but no longer takes messages
beat_backup.py      trigger the evaluation of the alert rules when beat does not
requests.py         report runs that are killed with their process
upkeep.py           the base of tasks that beat triggers again and again
outages.py          what is raised when our own database or broker is away
command_lines.py    how workers, beat and the web server are started

A worker's role is on its command line: `celery -A scanner_project worker -Q main` (or slow, upkeep, notify).

May import: mailbox and the rooms below. The parent process of a worker must not use the database.
"""
