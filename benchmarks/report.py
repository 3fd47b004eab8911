"""`python -m benchmarks.report`: the stored results as tables and plots in README.md. Measures nothing.

Run by the Python of .venv-bench, which has matplotlib; it needs neither Django nor the scanner. What has no results
stays as it is, so a README can show measurements of several days, each with its own date.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import feed_tables, goal_tables, tables
from benchmarks.tables import Rows

README = Path(__file__).parent / "README.md"
PICTURES = README.parent / "plots"

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

MARKED = re.compile(
    r"(?P<opening><!-- (?P<what>table|plot):(?P<name>[\w-]+) -->\n)"
    r"(?:(?!<!-- /?(?:table|plot)\b).)*"  # an opening marker that is not closed must not reach to the next one's end
    r"(?P<closing><!-- /(?P=what) -->)",
    re.DOTALL,
)

DESCRIPTIONS = {
    "engine": "Tasks/s of the ceiling, bare and ours, by kind of pool",
    "engine-latency": "p50, p95 and p99 of each feed",
    "growth": "p95 by symbols, and bars/s by history",
    "peers": "Bars/s of the scanner and its peers, and what each lost, doubled or put out of order after kills",
    "memory-series": "Memory of each process with its children over time",
}
"""Of the measurements that have a plot: what one hears who can't see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One file of results."""

    rows: Rows
    machine: Mapping[str, Any]
    database: str

    @property
    def circumstances(self) -> str:
        """When and on what, in one line; only what is known."""
        known = self.machine
        parts = (
            ("date", f"{str(known.get('date'))[:16].replace('T', ' ')} UTC"),
            ("cores", f"{known.get('cores')} cores"),
            ("load", f"load average {known.get('load')} at its end"),
            ("python", f"Python {known.get('python')}"),
            ("system", f"`{known.get('system')}`"),
        )
        texts = [text for key, text in parts if key in known]
        return "Measured: " + ", ".join([*([DATABASES[self.database]] if self.database in DATABASES else []), *texts])


def read(folder: Path) -> dict[str, Stored]:
    """The results in a folder, by the file's name without `.json`; without those in a form that is not ours."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text())
        except ValueError:  # a run was ended while it wrote
            content = None
        if not isinstance(content, dict) or not content.get("rows"):
            print(f"{path} has no rows as they are stored today: left out")  # noqa: T201
            continue
        kind = content.get("database") or path.stem.rpartition("-")[2]  # older files say it in their names alone
        found[path.stem] = Stored(rows=content["rows"], machine=content.get("machine", {}), database=kind)
    return found


TABLES: dict[str, Callable[[Rows], str]] = {
    **{f"engine-{kind}": partial(tables.engine, kind=kind) for kind in DATABASES},
    **{f"engine-latency-{kind}": tables.latency for kind in DATABASES},
    **{f"ingest-{kind}": tables.ingest for kind in DATABASES},
    **{f"growth-{kind}": tables.growth for kind in DATABASES},
    **{f"memory-{kind}": tables.memory for kind in DATABASES},
    **{f"isolation-{kind}": tables.isolation for kind in DATABASES},
    **{f"watching-{kind}": tables.watching for kind in DATABASES},
    **{f"{name}-{kind}": goal_tables.opening for name in ("burst", "first", "paced") for kind in DATABASES},
    **{f"status-{symbols}-{kind}": goal_tables.status for symbols in (1_000, 10_000) for kind in DATABASES},
    **{f"growth-{group}-{kind}": tables.growth for group in ("symbols", "history") for kind in DATABASES},
    **{f"footprint-{kind}": goal_tables.footprint for kind in DATABASES},
    **{f"day-{kind}": goal_tables.day for kind in DATABASES},
    **{f"feeds-{kind}": feed_tables.feeds for kind in DATABASES},
    **{f"derived-{kind}": feed_tables.derived for kind in DATABASES},
    **{f"recovery-{kind}": feed_tables.recovery for kind in DATABASES},
    **{f"judging-{kind}": goal_tables.judging for kind in DATABASES},
    **{f"streams-{kind}": goal_tables.streams for kind in DATABASES},
    **{f"broken-detector-{kind}": goal_tables.broken_detector for kind in DATABASES},
    **{f"revising-{kind}": goal_tables.revising for kind in DATABASES},
    "snapshot-postgresql": goal_tables.snapshot,
    "goals": goal_tables.goals,
    **{f"pages-{symbols}-{kind}": tables.pages for symbols in (20, 1_000) for kind in DATABASES},
    "scaling": tables.scaling,
    "peers": tables.peers,
    "peers-faults": tables.peers_faults,
}
"""By the marker's name: that of the file, but for what SOURCES says."""

SOURCES = {"peers-faults": "peers"}
"""Second tables of one file."""


def tabled(stored: Mapping[str, Stored]) -> dict[str, str]:
    """Each table with its circumstances, by the marker's name."""
    found = {}
    for name, table in TABLES.items():
        if (one := stored.get(SOURCES.get(name, name))) is not None:
            with _named(name):
                found[name] = f"{table(one.rows)}\n\n{one.circumstances}"
    return found


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Rows of another version may lack what is shown today; what the others show must not be lost with it."""
    try:
        yield
    except KeyError as missing:
        print(f"{name} is left out: its rows have no {missing}")  # noqa: T201


def measurement_of(name: str) -> str:
    """The measurement of a file of results: its name without the database's."""
    return re.sub(rf"-({'|'.join(DATABASES)})$", "", name)


def pictured(name: str, database: str) -> str:
    """The reference to a plot."""
    on = f", on {DATABASES[database]}" if database in DATABASES else ""
    return f"![{DESCRIPTIONS[measurement_of(name)]}{on}]({PICTURES.name}/{name}.svg)"


def filled(text: str, contents: Mapping[str, str]) -> str:
    """The text with new contents between its markers, by `table:NAME` and `plot:NAME`; nothing else changes."""

    def put(match: re.Match[str]) -> str:
        content = contents.get(f"{match['what']}:{match['name']}")
        return match[0] if content is None else f"{match['opening']}\n{content}\n\n{match['closing']}"

    return MARKED.sub(put, text)


def marked(text: str) -> set[str]:
    """The markers of a text."""
    return {f"{match['what']}:{match['name']}" for match in MARKED.finditer(text)}


def main() -> None:
    """Parse, read, draw, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.report", description="Stored results into README.md.")
    parser.add_argument(
        "--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER", help="of JSON (var/benchmarks)"
    )
    options = parser.parse_args()
    try:
        from benchmarks import drawing  # noqa: PLC0415 - all else of this module works without matplotlib
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error}. Run this by .venv-bench/bin/python, which `make bench` makes.") from error
    stored = read(options.results)
    contents = {f"table:{name}": text for name, text in tabled(stored).items()}
    for name, one in stored.items():
        measurement = measurement_of(name)
        if measurement in drawing.PLOTS:
            with _named(name):
                if drawing.draw(measurement, one.rows, PICTURES / f"{name}.svg"):
                    contents[f"plot:{name}"] = pictured(name, one.database)
    text = README.read_text()
    README.write_text(filled(text, contents))
    for name in sorted(contents.keys() - marked(text)):
        print(f"{README.name} has no place for {name}")  # noqa: T201
    print(f"{README.name} shows {len(contents.keys() & marked(text))} tables and plots of {options.results}")  # noqa: T201


if __name__ == "__main__":
    main()
