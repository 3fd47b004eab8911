"""What happens to a bar, from its arrival to its end.

May import: workers, mailbox and the rooms below. Changes of a symbol's state are asked of the mailbox.
"""
