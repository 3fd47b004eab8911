"""What is added to Celery's worker processes.

consumer.py         survive the loss of the broker
serving.py          since when the worker takes messages
heartbeat.py        write which messages the worker holds
autoscale.py        more slots while runs hang
children.py         notice dead child processes at once, and end those that hang
watchdog.py         end a worker that lives but no longer takes messages
schedule.py         beat's schedule, by a clock that nobody sets
beat_backup.py      trigger the evaluation of the alert rules when beat does not
requests.py         report runs that are killed with their process
upkeep.py           the base of tasks that beat triggers again and again
outages.py          the errors that mean: our own database or broker is away
command_lines.py    how workers, beat and the web server are started

A worker's role is on its command line: `celery -A scanner_project worker -Q main` (or slow, upkeep, notify, rerun).

May import: mailbox and the rooms below. A worker's parent process must not use the database, since its children are
forked from it and would share its connection.
"""
