"""Proving who one is: tokens of the API, limits on guessing passwords.

tokens.py     make, find and revoke tokens
passwords.py  signing in with a password
guesses.py    limits on guessing
hashing.py    how many passwords are hashed at once
changes.py    what follows when users change

May import: models and the rooms below. What a user may then do is asked in access/.
"""
