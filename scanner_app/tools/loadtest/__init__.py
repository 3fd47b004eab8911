"""The load test: feed fresh symbols at a steady rate over HTTP, read everything back, judge.

plan (when which bar is due) -> feed (post them, keep the account) -> client (HTTP) -> verdict -> report
"""
