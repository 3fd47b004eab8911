"""What the documents say of the code is so: paths, functions, rooms and their order."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from scanner_app import models

ROOT = Path(__file__).parent.parent
APP = ROOT / "scanner_app"
PAGE = (ROOT / "docs" / "architecture.md").read_text()

PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
PAGES += [str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md"))]

FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(py|md|toml|yml|yaml|json|js|css|html|txt|parquet)")
FOLDER = re.compile(r"[\w.-]+(/[\w.-]+)*/")
MADE_BY_MAKE = {".venv/", ".venv-bench/", "var/sbom.json"}
IN_DATA_DIR = {"var/", "logs/", "metrics/", "appendonlydir/", "flowerconfig.py"}
WRITTEN_BY_USERS = {"my_detectors.py"}
NOT_IN_THE_REPOSITORY = MADE_BY_MAKE | IN_DATA_DIR | WRITTEN_BY_USERS

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

NAMED_AFTER = re.compile(r"`([\w./-]+\.py)`: ((?:`[\w.]+(?:\(\))?`(?:, | and )?)+)")
IN_A_DIAGRAM = re.compile(r"([\w/]+\.py)\s+([\w.]+)\(\)")


def paths(text: str) -> set[str]:
    quoted = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)))
    return {one for one in quoted if FILE.fullmatch(one) or FOLDER.fullmatch(one)} - NOT_IN_THE_REPOSITORY


def found(path: str) -> Path | None:
    """The file or folder, named from the top of the repository or, for short, from the app's."""
    return next((place for place in (ROOT / path, APP / path) if place.exists()), None)


@cache
def names_in(file: Path) -> set[str]:
    """Functions, classes, methods as `Class.method`, and values of the module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name):
                names.add(name)
                names |= {f"{name}.{inner.name}" for inner in node.body if isinstance(inner, FUNCTIONS)}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def named_in(text: str) -> set[tuple[str, str]]:
    """(file, name) wherever the text says which function or value of a file it means."""
    after = {(path, name) for path, some in NAMED_AFTER.findall(text) for name in re.findall(r"`([\w.]+)", some)}
    return after | set(IN_A_DIAGRAM.findall(text))


@pytest.mark.parametrize("page", PAGES)
def test_each_file_and_folder_that_a_page_names_exists(page):
    missing = [path for path in paths((ROOT / page).read_text()) if found(path) is None]

    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_each_function_that_a_page_names_is_in_its_file(page):
    missing = [
        f"{path}: {name}"
        for path, name in named_in((ROOT / page).read_text())
        if (file := found(path)) is None or name not in names_in(file)
    ]

    assert not missing


def test_the_page_names_functions_at_all():
    assert len(named_in(PAGE)) > 30


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = re.search(r"^\|.*?(?:\n\n|\Z)", section, re.DOTALL | re.MULTILINE)
    assert table is not None, heading
    lines = table[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def rooms() -> list[set[str]]:
    """The names in each row of the table of rooms, from the top."""
    return [
        {name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`([\w./]+)`", row[0])}
        for row in rows("The rooms")
    ]


def layers() -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["id"] == "rooms")
    return [set(layer.split(" | ")) for layer in contract["layers"]]


def test_the_table_of_rooms_has_the_order_of_the_contract():
    checked = set().union(*layers())

    assert [row for row in rooms() if row & checked] == layers()


def test_the_table_of_rooms_is_complete():
    there = {path.name for path in APP.iterdir() if path.is_dir() and path.name != "__pycache__"}
    there |= {path.stem for path in APP.glob("*.py")} - {"__init__"}

    assert set().union(*rooms()) == there


@pytest.mark.parametrize("room", sorted({path.parent.name for path in APP.glob("*/__init__.py")} - {"migrations"}))
def test_each_room_says_what_it_may_import(room):
    assert "May import" in (ast.get_docstring(ast.parse((APP / room / "__init__.py").read_text())) or "")


SECTION = PAGE.partition("\n## Where state lives\n")[2].partition("\n## ")[0]


def test_each_table_and_each_key_in_redis_is_said_to_be_somebodys():
    keys = {key for file in APP.rglob("*.py") for key in re.findall(r'"(scanner:[a-z:-]+)"', file.read_text())}

    assert [name for name in models.__all__ if f"`{name}`" not in SECTION] == []
    assert [key for key in sorted(keys) if f"`{key}" not in SECTION] == []
    assert len(keys) > 5


def test_each_file_with_sql_by_hand_is_in_the_table():
    by_hand = re.compile(r"\bcursor\(\)|\brun_many\(|\.objects\.raw\(")
    with_sql = {file for file in APP.rglob("*.py") if by_hand.search(file.read_text())}
    table = {found(path) for row in rows("SQL by hand") for path in paths(row[0])}

    assert {file for file in with_sql if "migrations" not in file.parts} - table == set()


def listed_in(package: Path) -> set[str]:
    """The modules that the docstring of a package lists, each at the beginning of a line."""
    doc = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    lines = re.findall(r"^(?:- )?((?:\w+\.py(?:, )?)+)(?:  |:)", doc, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"\w+\.py", line)}


LISTING = [package for one in sorted(APP.rglob("__init__.py")) if listed_in(package := one.parent)]


@pytest.mark.parametrize("package", LISTING, ids=lambda package: str(package.relative_to(APP)))
def test_a_room_that_lists_its_modules_lists_all_of_them_and_no_others(package):
    there = {path.name for path in package.glob("*.py")} - {"__init__.py"}

    assert listed_in(package) == there


def test_most_rooms_list_their_modules():
    assert len(LISTING) > 10


def test_there_is_a_place_for_many_changes_and_each_names_a_file():
    places = rows("Where to change what")

    assert len(places) >= 20
    assert [row for row in places if not paths(row[-1])] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("see `mailbox/run.py` and `docs/`", {"mailbox/run.py", "docs/"}, id="files and folders"),
        pytest.param("`/metrics`, `make up`, `scanner_app.detectors`, `24/7`", set(), id="routes, commands, modules"),
        pytest.param("```\n`a/b.py`\n```\n`c.py`", {"c.py"}, id="not what stands in an example"),
    ],
)
def test_what_counts_as_a_path(text, expected):
    assert paths(text) == expected


def test_what_counts_as_a_function():
    text = "`a/b.py`: `one()`, `A.two()` and `THREE`\n```\nc.py  four()\n```"

    assert named_in(text) == {("a/b.py", "one"), ("a/b.py", "A.two"), ("a/b.py", "THREE"), ("c.py", "four")}
