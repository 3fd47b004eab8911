"""Template filters for the admin.

May import: admin, pages and the rooms below.
"""
