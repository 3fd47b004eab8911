"""What our workers do beside running tasks.

consumer.py   live through the loss of the broker
queues.py     consume the queues of the symbols that there are
tells.py      say which messages are held, for the sweeper and /readyz
spare.py      more slots while runs hang
watchdog.py   end a worker that is alive but deaf
understudy.py  have the alert rules evaluated when beat does not ask for it
upkeep.py     tasks that beat asks for again and again
requests.py   hear of runs that are killed with their process
roles.py      what a worker is for: the name of its base queue

A worker's role is on its command line: `celery -A scanner_project worker -Q main` (or slow, upkeep, notify).
"""
