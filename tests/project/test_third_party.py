"""THIRD_PARTY.md names everything of other people's, with a licence. `make third-party` brings it up to date."""

import re
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scanner_project import third_party
from scanner_project.third_party import DEVELOPMENT, PAGE, RUN_TIME, UNKNOWN

TEXT = PAGE.read_text()
RUN_TIME_HEADING = "What a running scanner needs"
DEVELOPMENT_HEADING = "What only tests and linters need"
TABLES = (RUN_TIME_HEADING, DEVELOPMENT_HEADING, "Scripts in this repository", "Data in this repository")


def table(heading):
    """Version and licence of each line of a table, by canonical name."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| .*\|$", section, re.MULTILINE)[2:]  # without the head
    return {canonicalize_name(name): (version, licence) for name, version, licence in rows}


@pytest.mark.parametrize(("file", "heading"), [(RUN_TIME, RUN_TIME_HEADING), (DEVELOPMENT, DEVELOPMENT_HEADING)])
def test_each_pinned_requirement_is_listed_with_its_version(file, heading):
    listed = {name: version for name, (version, _) in table(heading).items()}

    assert third_party.pins(file).items() <= listed.items()


@pytest.mark.parametrize("requirement", [*third_party.requirements(RUN_TIME), *third_party.requirements(DEVELOPMENT)])
def test_each_requirement_is_pinned_and_listed_with_the_licence_that_it_states(requirement: Requirement):
    try:
        package = distribution(requirement.name)
    except PackageNotFoundError:
        pytest.skip("not installed here")
    name = canonicalize_name(requirement.name)
    listed = table(RUN_TIME_HEADING) | table(DEVELOPMENT_HEADING)

    assert [one.operator for one in requirement.specifier] == ["=="]
    assert listed[name][1] == third_party.licence_of(package)


def test_each_vendored_folder_is_listed_as_its_readme_has_it():
    folders = {path.name for path in third_party.VENDORED.iterdir() if path.is_dir()}

    assert folders == {row.name for row in third_party.vendored()} == set(table("Scripts in this repository"))
    for row in third_party.vendored():
        assert str(row) in TEXT


def test_each_source_of_bundled_data_is_listed_with_its_licence_text():
    texts = {path.stem for path in (third_party.DATA / "licences").iterdir()}

    assert texts == {row.name for row in third_party.data()} == set(table("Data in this repository"))
    for row in third_party.data():
        assert str(row) in TEXT


@pytest.mark.parametrize("heading", TABLES)
def test_no_licence_is_unknown(heading):
    assert table(heading)
    for name, (_, licence) in table(heading).items():
        assert licence.strip().lower() not in {"", UNKNOWN, "none"}, name


def test_copyleft_licences_that_a_running_scanner_needs_are_named_at_the_top():
    top = TEXT.partition("\n## ")[0]
    copyleft = [name for name, (_, licence) in table(RUN_TIME_HEADING).items() if third_party.COPYLEFT.search(licence)]

    assert "psycopg" in copyleft
    for name in copyleft:
        assert f"{name} (" in top


def test_what_packages_need_is_followed_through_extras_and_markers(tmp_path):
    plain, with_extra = tmp_path / "plain.txt", tmp_path / "extra.txt"
    plain.write_text("-r other.txt\n# a comment\npsycopg==3.3.9  # another\n")
    with_extra.write_text("psycopg[binary]==3.3.9\n")

    assert set(third_party.installed(plain)) == {"psycopg", "typing-extensions"}  # tzdata: on Windows alone
    assert set(third_party.installed(with_extra)) == {"psycopg", "psycopg-binary", "typing-extensions"}
    assert third_party.pins(plain) == {"psycopg": "3.3.9"}


def test_a_package_that_is_not_installed_ends_the_command_with_its_name(tmp_path, monkeypatch):
    missing = tmp_path / "missing.txt"
    missing.write_text("no-such-package-at-all==1\n")
    monkeypatch.setattr(third_party, "RUN_TIME", missing)
    monkeypatch.setattr(third_party, "PAGE", tmp_path / "page.md")

    with pytest.raises(SystemExit, match="no-such-package-at-all is not installed"):
        third_party.main()
    assert not (tmp_path / "page.md").exists()


def test_no_address_of_this_machine_is_in_the_file():
    assert str(PAGE.parent) not in TEXT
