"""When a worker counts as lost, and when as deaf."""

LOST_AFTER_HEARTBEATS = 3
"""A worker that has missed so many heartbeats counts as lost."""

DEAF_AFTER_S = 10.0
"""A worker counts as deaf when its wait for messages has had no answer for so long while it had free slots."""
