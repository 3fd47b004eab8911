"""Programs that drive a scanner from outside: the load test and the chaos run.

May import: whatever a client could know, and the rooms below the doors.
"""
