"""The rules of the scanner as values and pure functions: no Django, no clock, no I/O.

Time is a parameter. Whatever several rooms need (an enumeration, a formatter, a decision) lives here.

May import: the standard library alone.
"""
