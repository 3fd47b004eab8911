"""Filters for our templates.

May import: admin, pages and the rooms below.
"""
