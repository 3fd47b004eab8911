"""Programs that drive a scanner from outside: the load test and the chaos run.

chaos/     the chaos run: faults in random order
loadtest/  the load test: a steady load, and a verdict

May import: feeds and the rooms below.
"""
