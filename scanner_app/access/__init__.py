"""Who may do what: decided in one place for API, pages and admin.

May import: detectors and domain.
"""
