"""The result of a load test as a table, a sentence and JSON."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from rich.console import Console
from rich.table import Table

from scanner_app.domain.latency import percentile
from scanner_app.tools.loadtest.feed import Posting
from scanner_app.tools.loadtest.plan import Plan
from scanner_app.tools.loadtest.verdict import Fault, Findings, ReadBack, achieved_rate, examine, problems

WIDTH = 100
"""Width of the table if the output is not a terminal."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of one load test, also if it was interrupted."""

    url: str
    plan: Plan
    posting: Posting
    bars: Mapping[str, ReadBack]  # of the symbols that could be read back
    drain_s: float | None  # from the last answer until no bar waited, or the deadline; None: not measured
    before: Mapping[str, float]  # backlog and bars_per_second when the test began: other load
    trouble: tuple[str, ...] = ()  # what went wrong after the posting

    @cached_property
    def findings(self) -> Findings:
        """What the bars show."""
        return examine(self.posting.accepted, self.posting.unanswered, self.bars)

    @cached_property
    def problems(self) -> list[str]:
        """Everything that makes the verdict bad."""
        posting = self.posting
        trouble = [*self.trouble]
        if posting.gave_up:
            trouble.insert(0, f"the posting ended after {posting.elapsed_s:.1f} s: {posting.gave_up}")
        if posting.interrupted:
            trouble.insert(0, f"interrupted after {posting.elapsed_s:.1f} s of posting")
        return problems(
            self.findings,
            accepted=posting.accepted_count,
            rate=self.plan.rate,
            achieved=self.achieved_rate,
            rejected=posting.rejected,
            conflicts=posting.conflicts,
            unread=len(set(posting.accepted) - set(self.bars)),
            trouble=trouble,
        )

    @property
    def good(self) -> bool:
        """Whether the verdict is good."""
        return not self.problems

    @property
    def achieved_rate(self) -> float:
        """Accepted bars a second."""
        ended_early = self.posting.interrupted or self.posting.gave_up
        planned_s = 0.0 if ended_early else self.plan.seconds
        return achieved_rate(self.posting.accepted_count, elapsed_s=self.posting.elapsed_s, planned_s=planned_s)

    def as_json(self) -> dict[str, object]:
        """All figures."""
        plan, posting, findings = self.plan, self.posting, self.findings
        return {
            "verdict": "good" if self.good else "bad",
            "problems": self.problems,
            "interrupted": posting.interrupted,
            "url": self.url,
            "run": plan.run,
            "symbols": plan.symbols,
            "rate": plan.rate,
            "seconds": plan.seconds,
            "burst": plan.burst,
            "planned": plan.total,
            "sent": posting.sent,
            "accepted": posting.accepted_count,
            "duplicates": posting.duplicates,
            "conflicts": posting.conflicts,
            "rejected": dict(posting.rejected),
            "retries": posting.retries,
            "elapsed_s": round(posting.elapsed_s, 3),
            "achieved_rate": round(self.achieved_rate, 2),
            "posts": len(posting.posts_ms),
            "post_p95_ms": percentile(posting.posts_ms, 95),
            "post_max_ms": max(posting.posts_ms, default=None),
            "late_ms": round(posting.late_s * 1000),
            "drain_s": None if self.drain_s is None else round(self.drain_s, 3),
            "processed": findings.processed,
            **{fault.name.lower(): findings.count(fault) for fault in Fault},
            "latency_ms": asdict(findings.latency),
            "first_bars_ms": asdict(findings.first),
            "rounds_ms": asdict(findings.rounds),
            "p95_by_part_ms": list(findings.p95_by_part),
            "worst_symbol": findings.worst_symbol,
            "worst_p95_ms": findings.worst_p95_ms,
            "before": dict(self.before),
        }

    def sentence(self) -> str:
        """The verdict in words."""
        posting, latency = self.posting, self.findings.latency
        symbols = len(posting.accepted)
        what = (
            f"{_number(posting.accepted_count)} bars of {_number(symbols)} symbol{'s' * (symbols != 1)} "
            f"in {posting.elapsed_s:.1f} s ({self.achieved_rate:.1f}/s)"
        )
        figures = f"p50 {_ms(latency.p50)}, p95 {_ms(latency.p95)}, p99 {_ms(latency.p99)}, max {_ms(latency.max)}"
        if self.plan.burst:
            figures += f"; the last bar of a burst was done after {_ms(self.findings.rounds.max)} at worst"
        if self.good:
            return f"GOOD: {what}: {figures}; nothing lost, nothing doubled, nothing out of order."
        return f"BAD: {what}: {figures}. {'; '.join(self.problems)}."

    def table(self, *, width: int = WIDTH) -> str:
        """The figures as a table."""
        plan, posting, findings = self.plan, self.posting, self.findings
        latency, first = findings.latency, findings.first
        asked = (
            f"{plan.rate:g} bars/s, {plan.seconds:g} s, {_number(plan.symbols)} symbols, "
            f"{'all at one moment' if plan.burst else 'spread evenly'}"
        )
        faults = {fault.name.lower().replace("_", " "): findings.count(fault) for fault in Fault}
        rows = [
            ("asked", asked),
            ("symbols", f"{plan.tickers[0]} to {plan.tickers[-1]}, at {self.url}"),
            ("sent", f"{_number(posting.sent)} of {_number(plan.total)} bars, {_number(len(posting.posts_ms))} POSTs"),
            ("accepted", f"{_number(posting.accepted_count)} in {posting.elapsed_s:.1f} s: {self.achieved_rate:.1f}/s"),
            ("not accepted", f"{_number(posting.rejected.total())} rejected, {_number(posting.conflicts)} in conflict"),
            (
                "POST answered",
                f"p95 {_ms(percentile(posting.posts_ms, 95))}, max {_ms(max(posting.posts_ms, default=None))}",
            ),
            ("sent too late", f"by {posting.late_s * 1000:,.0f} ms at worst; {_number(posting.retries)} retries"),
            ("worked off", "not looked" if self.drain_s is None else f"{self.drain_s:.1f} s after the last answer"),
            ("processed", _number(findings.processed)),
            ("faults", ", ".join(f"{count:,} {name}" for name, count in faults.items() if count) or "none"),
            (
                "latency",
                f"p50 {_ms(latency.p50)}, p95 {_ms(latency.p95)}, p99 {_ms(latency.p99)}, max {_ms(latency.max)}",
            ),
            ("cold start", f"first bar of each symbol: p50 {_ms(first.p50)}, max {_ms(first.max)}; counted above too"),
            ("p95 over time", ", ".join(_ms(p95) for p95 in findings.p95_by_part) or "-"),
            ("worst symbol", f"{findings.worst_symbol or '-'}: p95 {_ms(findings.worst_p95_ms)}"),
            ("other load", f"before: {self.before['bars_per_second']:g} bars/s, backlog {self.before['backlog']:,}"),
        ]
        if plan.burst:
            rounds = findings.rounds
            times = f"p50 {_ms(rounds.p50)}, p95 {_ms(rounds.p95)}, max {_ms(rounds.max)}"
            rows.insert(-3, ("last of a burst", f"done after {times}"))
        table = Table("figure", "value", title="Load test")
        for row in rows:
            table.add_row(*row)
        out = io.StringIO()
        Console(file=out, width=width).print(table)
        return out.getvalue().rstrip("\n")


def _number(value: int) -> str:
    return f"{value:,}"


def _ms(value: int | None) -> str:
    return "-" if value is None else f"{value:,} ms"
