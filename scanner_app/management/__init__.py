"""Commands of `manage.py`.

commands/          one file a command
file_options.py    the options that say how files of bars are to be read
replay_session.py  one run of `manage.py replay`
system_user.py     who runs a command
start_hint.py      what they say when the scanner seems not to run
history_progress.py, history_report.py  what `manage.py history` shows meanwhile, and at its end
first_admin.py     the first administrator

May import: admin, pages and the rooms below.
"""
