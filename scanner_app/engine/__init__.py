"""What happens to a bar, from its arrival to its end.

May import: workers, mailbox and the rooms below. Only the mailbox changes a symbol's state.
"""
