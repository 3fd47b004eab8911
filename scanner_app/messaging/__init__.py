"""Everything that is said to Redis and Celery, whoever says it. It never changes a symbol's state.

queue_names.py, task_names.py  the names of queues and tasks
messages.py        the message that has a worker run a head, as a value
envelopes.py       the same in the broker's format
publisher.py       publish messages, after the commit
producer.py        send anything to the broker: one try, short timeouts
queue_contents.py  read the messages that wait in queues
heartbeats.py      write and read the workers' heartbeats
sweep_memory.py    what the sweeper and the evaluation of the alert rules remember, and outages
redis_client.py    connections to Redis
transport.py       kombu's Redis transport, made faster

May import: models, telemetry, domain, conf.
"""
