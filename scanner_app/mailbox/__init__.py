"""The only writer of a symbol's state. Each change is one transaction that begins with a guarded update.

accept.py           number and store bars, name the first head
run.py              start and complete: a head that succeeds
failure.py          fail, killed, quarantine_head: a head that does not
control.py          the conclusion of the control run: quarantine or hold
operate.py          operators' actions on a symbol: reset, skip, enable, disable, its calendar
quarantine.py       into quarantine, and out of it: replay, discard
quarantine_bulk.py  replay or discard many, in order
gap_counts.py       the number of gaps, as last counted
revise.py           new values for known bars, in place
reruns.py           spans that the detectors look at again, and what that changes in the signals
remove.py           delete a symbol with its rows
sweep.py            find heads that nobody holds and publish them again

sql.py              the statements written by hand: what every bar costs
statements.py       how such a statement is run, and how times go in and out
rows.py             guards and reads of the status row
heads.py            the head's live message, published after the commit
breakers.py, events.py, lane_moves.py, tickets.py  what the transitions share

May import: notifications (the outbox) and the rooms below.
"""

from scanner_app.mailbox.accept import NewBar, Verdict, accept
from scanner_app.mailbox.control import control_failed, control_passed, start_control
from scanner_app.mailbox.failure import fail, killed, quarantine_head, text_of
from scanner_app.mailbox.heads import queue_of
from scanner_app.mailbox.operate import disable, enable, reset, set_calendar, skip
from scanner_app.mailbox.quarantine import discard, replay
from scanner_app.mailbox.remove import delete, remove_rows
from scanner_app.mailbox.run import complete, start
from scanner_app.mailbox.sweep import DeliveryReport, SweepReport, due_heads, sweep
from scanner_app.mailbox.tickets import Ticket

__all__ = [
    "DeliveryReport",
    "NewBar",
    "SweepReport",
    "Ticket",
    "Verdict",
    "accept",
    "complete",
    "control_failed",
    "control_passed",
    "delete",
    "disable",
    "discard",
    "due_heads",
    "enable",
    "fail",
    "killed",
    "quarantine_head",
    "queue_of",
    "remove_rows",
    "replay",
    "reset",
    "set_calendar",
    "skip",
    "start",
    "start_control",
    "sweep",
    "text_of",
]
