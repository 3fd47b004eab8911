"""`python -m scanner_project.lock`: does requirements.lock fit requirements.txt? Exit status 0 if so. Needs no network.

`make lock` writes the file: every package with its version and the hashes of its files, for each Python and system.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def problems(wanted: str, locked: str) -> list[str]:
    """What is wrong with the texts of requirements.txt and requirements.lock, a sentence each; none: they fit."""
    versions: dict[str, set[str]] = {}
    found: list[str] = []
    for requirement, hashes in _entries(locked):
        versions.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
        if not hashes:
            found.append(f"requirements.lock: {requirement.name} has no hash")
    for requirement, _ in _entries(wanted):
        if str(requirement.specifier) not in versions.get(canonicalize_name(requirement.name), set()):
            found.append(f"requirements.lock: {requirement.name}{requirement.specifier} is missing")
    return found


def _entries(text: str) -> Iterator[tuple[Requirement, int]]:
    """Each requirement with the number of its hashes."""
    for written in text.replace("\\\n", " ").splitlines():
        line = written.partition("#")[0].strip()
        if line and not line.startswith("-"):
            words = line.split(" --hash=")
            yield Requirement(words[0]), len(words) - 1


def main() -> int:
    """Return the exit status; write what is wrong to standard error."""
    found = problems((ROOT / "requirements.txt").read_text(), (ROOT / "requirements.lock").read_text())
    for problem in found:
        sys.stderr.write(f"{problem}. Run `make lock`.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
