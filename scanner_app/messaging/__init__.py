"""Everything that is said to Redis and Celery, whoever says it. It never changes a symbol's state.

queue_names.py, task_names.py  the names of queues and tasks
messages.py        the message that has a worker run a head, as a value
envelopes.py       the same in the broker's format
publisher.py       publish messages, after the commit
producer.py        send anything to the broker: one try, short timeouts
queue_contents.py  read the messages that wait in queues
ready_lists.py     read and mend the lists that name the queues with messages
forming.py         the newest values of forming bars
live_feeds.py      heartbeats and leases of live feeds
heartbeats.py      write and read the workers' heartbeats
sweep_memory.py    what the sweeper and the evaluation of the alert rules remember, and outages
redis_client.py    connections to Redis
transport.py       kombu's Redis transport, with ready lists, and made faster

May import: models, telemetry, domain, conf.
"""
