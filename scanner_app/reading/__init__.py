"""What is shown: reads of database and broker, made into values for API, admin, pages, alerts and metrics.

May import: engine and the rooms below. Nothing here changes anything.
"""
