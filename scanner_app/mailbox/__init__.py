"""The only place where a symbol's state changes: each change one transaction that begins with a guarded write.

accept.py      number and store bars, name the first head
run.py         start and complete: a head that succeeds
failing.py     fail, quarantine, died: a head that does not
lanes.py       which worker's lane a symbol is in
control.py     the verdict of the control run: quarantine or hold
operate.py     operators' acts on a symbol: reset, skip, enable, disable
quarantined.py operators' acts on bars that were set aside: replay, discard
remove.py      delete a symbol with its rows
sweep.py       find heads that were lost and publish them again
publishing.py  put the message of a head on its symbol's queue, after the commit
messages.py    the message, the ticket, the outcomes
hot.py         the statements that every bar costs
rows.py        what the modules above share of the rows
"""

from scanner_app.mailbox.accept import NewBar, Verdict, accept
from scanner_app.mailbox.control import control_failed, control_passed, start_control
from scanner_app.mailbox.fail import died, fail, quarantine, text_of
from scanner_app.mailbox.messages import Message, Outcome, Ticket
from scanner_app.mailbox.operate import disable, enable, reset, set_calendar, skip
from scanner_app.mailbox.quarantine import discard, replay
from scanner_app.mailbox.remove import delete, remove_rows
from scanner_app.mailbox.rows import queue_of
from scanner_app.mailbox.run import complete, start
from scanner_app.mailbox.sweep import Sighting, SweepReport, due_heads, sweep
from scanner_app.messaging.publisher import queue_name, ticker_of_queue

__all__ = [
    "Message",
    "NewBar",
    "Outcome",
    "Sighting",
    "SweepReport",
    "Ticket",
    "Verdict",
    "accept",
    "complete",
    "control_failed",
    "control_passed",
    "delete",
    "died",
    "disable",
    "discard",
    "due_heads",
    "enable",
    "fail",
    "quarantine",
    "queue_name",
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
    "ticker_of_queue",
]
