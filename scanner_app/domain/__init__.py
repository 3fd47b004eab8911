"""The rules of the scanner as values and pure functions: no Django, no clock, no I/O.

The current time is always a parameter. What several rooms need (an enumeration, a formatter, a decision) is here.

May import: the standard library alone.
"""
