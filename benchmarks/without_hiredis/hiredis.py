"""First on the path, it is as if hiredis were not installed: `celery[redis]` does not bring it."""

raise ImportError("left out on purpose")
