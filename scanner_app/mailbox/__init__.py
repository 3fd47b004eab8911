"""The only writer of a symbol's state. Each change is one transaction that begins with a guarded update.

accept.py           number and store bars, name the first head
run.py              start and complete: a head that succeeds
failure.py          fail, killed, quarantine_head: a head that does not
hits.py             what traders' rules said of a bar: stored with its completion
control.py          the conclusion of the control run: quarantine or hold
operate.py          operators' actions on a symbol: reset, skip, enable, disable, its calendar and threshold
cleared.py          let symbols go on whose heads failed because of a detector that no longer runs
operate_bulk.py     the same on all symbols that match a filter
quarantine.py       into quarantine, and out of it: replay, discard
quarantine_bulk.py  replay or discard many, in order
gap_counts.py       the number of gaps, as last counted
derived.py          bars of higher timeframes that were made from a symbol's bars
derived_series.py   which series are derived, and which of them a call ends
rerun_spans.py      spans of bars that must be looked at again
revise.py           new values for known bars, in place
reruns.py           spans that the detectors look at again, and what that changes in the signals
remove.py           delete a symbol with its rows
canary.py           the hidden symbol on which drills are held
sweep.py            find heads that nobody holds and publish them again

at_once.py          the common completion as one statement, on PostgreSQL
sql.py              the statements written by hand: what every bar costs
sql_accept.py       those of a call that accepts bars
sql_derived.py      those of derived bars that run with every base bar
statements.py       how such a statement is run, and how times go in and out
rows.py             guards and reads of the status row
heads.py            the head's live message, published after the commit
breakers.py, error_texts.py, events.py, lane_moves.py, tickets.py  what the transitions share

May import: notifications (the outbox) and the rooms below.
"""

from scanner_app.mailbox.accept import NewBar, Verdict, accept
from scanner_app.mailbox.cleared import clear, failed_detectors, run_again, stopped_by
from scanner_app.mailbox.control import control_failed, control_passed, start_control
from scanner_app.mailbox.error_texts import describe, presentable
from scanner_app.mailbox.failure import fail, killed, quarantine_head
from scanner_app.mailbox.heads import next_run_of
from scanner_app.mailbox.operate import disable, enable, enable_due, reset, set_calendar, set_p95, skip
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
    "clear",
    "complete",
    "control_failed",
    "control_passed",
    "delete",
    "describe",
    "disable",
    "discard",
    "due_heads",
    "enable",
    "enable_due",
    "fail",
    "failed_detectors",
    "killed",
    "next_run_of",
    "presentable",
    "quarantine_head",
    "remove_rows",
    "replay",
    "reset",
    "run_again",
    "set_calendar",
    "set_p95",
    "skip",
    "start",
    "start_control",
    "stopped_by",
    "sweep",
]
