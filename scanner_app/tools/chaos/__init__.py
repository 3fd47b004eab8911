"""`manage.py chaos`: faults in random order against a scanner of its own, and an account of every bar.

plan.py      which fault when, from the seed alone
stack.py     the scanner: its processes, restarted when they end
faults.py    what each kind of fault does
load.py      clients that post bars and log every answer
account.py   what became of the logged bars; pure
run.py       the run from the first process to the account
detector.py  a detector whose signals show in which order bars were processed
"""
