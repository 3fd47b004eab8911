"""`manage.py chaos`: faults in random order on a scanner of its own, and a check of what became of every bar.

plan.py      which fault happens when; follows from the seed alone
stack.py     the scanner: its processes, restarted when they end
faults.py    what each kind of fault does
load.py      clients that post bars and log every answer
account.py   what became of the logged bars, and whether that is right; pure
run.py       the whole run, from the first process to the result
detector.py  a detector whose signals show in which order bars were processed
"""
