"""Who may do what: the one answer that API, pages and admin share.

May import: detectors and domain.
"""
