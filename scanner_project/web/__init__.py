"""The web server: uvicorn, made to stand clients that send or read slowly, or not at all.

__main__.py    starts it: some processes on one port
connection.py  one connection: time limits, and how many an address may have
budget.py      how many bytes of requests and answers a process holds for slow clients
bridge.py      hands requests to Django's threads, complete, and takes whole answers from them

So a thread of Django never waits for a client. Why it is made so, and what was measured: docs/decisions/web-server.md.
"""
