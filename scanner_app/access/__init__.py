"""Who may do what. API, pages and admin all ask here, so that they agree.

May import: detectors and domain.
"""
