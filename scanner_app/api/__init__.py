"""The HTTP interface: each view validates, calls one function of ingest, mailbox or status, and answers.

May import: tools and the rooms below.
"""
