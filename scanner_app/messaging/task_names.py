"""The names of the Celery tasks, as they stand in messages and in beat's schedule.

They are known outside of this code (messages that wait in queues, Flower): renaming one needs a release in which
workers know both names.
"""

PROCESS_HEAD = "scanner.process_head"
CONTROL_RUN = "scanner.control_run"
BAR_DIED = "scanner.bar_died"
TASK_DIED = "scanner.task_died"
REMOVE_SYMBOL = "scanner.remove_symbol"
REMOVE_ROWS = "scanner.remove_rows"
SWEEP = "scanner.sweep"
ASSUME = "scanner.assume"
DERIVE = "scanner.derive"
ENABLE_DUE = "scanner.enable_due"
COUNT_GAPS = "scanner.count_gaps"
PRUNE = "scanner.prune"
WATCH = "scanner.watch"
DELIVER = "scanner.deliver"
TELL = "scanner.tell"
PING = "scanner.ping"
RERUN = "scanner.rerun"
WATCH_DETECTORS = "scanner.watch_detectors"
PROBE_DETECTORS = "scanner.probe_detectors"
COMPUTE_WORTH = "scanner.compute_worth"
DRILL = "scanner.drill"
