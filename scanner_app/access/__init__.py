"""Who may do what. API, pages and admin all ask here, so that they agree.

roles.py   the roles, and what each may do
scopes.py  what a request with a token may do

May import: detectors and domain.
"""
