"""Procrastinate, with the symbol as the lock of its jobs.

As its documentation has it: jobs with the same lock run one at a time in the order in which they were deferred; a retry
keeps its job and so its place; a periodic task retries the jobs of workers whose heartbeat has stopped. That runs each
10 s instead of each 10 minutes, and the polling interval, by which a lock that has become free is found, is 0.1 s
instead of 5 s. Done jobs are deleted, else the table to search grows without end.

Not guaranteed
- Once: a worker that dies between the commit of the result and that of the job has the bar run again. (A job could
  write both in one transaction only by going round Procrastinate.)
- Time limits: a job that hangs keeps its slot and its symbol for ever.
- Rate: a job costs several statements, and the search for the next one grows with the backlog.
"""

from collections.abc import Sequence
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job

from benchmarks.peers import job

app = App(connector=PsycopgConnector(conninfo=job.database()))


class Delays(BaseRetryStrategy):
    """The list of delays."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        """The next delay; None after the last."""
        return RetryDecision(retry_in={"seconds": DELAYS[job.attempts]}) if job.attempts < len(DELAYS) else None


DELAYS = job.DELAYS_S


@app.task(name="process", retry=Delays(), pass_context=True)
async def process(context: JobContext, message: dict[str, Any]) -> None:
    """One bar, on a connection of the worker's pool."""
    bar = job.Bar.of(message)
    bar.check(context.job.attempts + 1)
    await app.connector.execute_query_async(job.STATEMENT, **bar.values)


@app.periodic(cron="* * * * * */10")  # seconds come last
@app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given to every periodic task
    """Give out again what a dead worker had."""
    for stalled in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(stalled)


_opened: list[App] = []


def send(bars: Sequence[job.Bar]) -> None:
    """Publish bars in this order, each committed by itself."""
    if not _opened:
        _opened.append(app.open())  # until the process ends
    for bar in bars:
        process.configure(lock=bar.symbol).defer(message=bar.message)
