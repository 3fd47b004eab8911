"""Pages: the live board, a symbol's page, the runbook, signing in and out.

May import: api and the rooms below.
"""
