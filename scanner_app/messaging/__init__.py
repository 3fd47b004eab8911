"""Everything that is said to Redis and Celery, whoever says it.

May import: models, telemetry, domain, conf. It never changes a symbol's state: that is the mailbox's.
"""
