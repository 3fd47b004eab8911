"""Pages for people: the home page, signing in and out.

May import: api and the rooms below.
"""
