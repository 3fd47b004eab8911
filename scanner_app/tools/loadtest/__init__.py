"""`manage.py loadtest`: post bars of new symbols at a steady rate over HTTP, read all of them back, give a verdict.

plan.py     which bar is due when; pure
feed.py     post the bars when they are due, wait until they are processed, read them back
client.py   the HTTP requests
verdict.py  what is wrong with the bars that were read back; pure
report.py   the result as a table, a sentence and JSON
"""
