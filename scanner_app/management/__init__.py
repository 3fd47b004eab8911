"""Commands of `manage.py`.

May import: admin, pages and the rooms below.
"""
