import tomllib
from pathlib import Path

import pytest

from scanner_app.detectors import DetectorError, beyond_candles, load, loading
from scanner_app.detectors.candlesticks import Candlesticks
from scanner_app.detectors.wyckoff import Wyckoff

from . import samples

HERE = samples.__name__
SHIPPED = ["scanner_app.detectors.candlesticks.Candlesticks", "scanner_app.detectors.wyckoff.Wyckoff"]


def test_the_shipped_detectors_load_in_the_given_order():
    candlesticks, wyckoff = load(SHIPPED)

    assert isinstance(candlesticks, Candlesticks)
    assert isinstance(wyckoff, Wyckoff)
    assert [each.name for each in load(SHIPPED[::-1])] == ["wyckoff", "candlesticks"]


def test_no_paths_are_no_detectors():
    assert load([]) == ()


def test_the_longest_name_and_the_longest_window_still_load():
    (detector,) = load([f"{HERE}.Longest"])

    assert (len(detector.name), detector.bars_needed) == (64, 5000)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        pytest.param("", "dotted path", id="nothing"),
        pytest.param("Candlesticks", "dotted path", id="a class without its module"),
        pytest.param(".Candlesticks", "dotted path", id="a relative path"),
        pytest.param("package.module.", "dotted path", id="a module without a class"),
        pytest.param(None, "dotted path", id="not even a string"),
        pytest.param("no_such_package.module.Class", "not importable: ModuleNotFoundError", id="no such module"),
        pytest.param(f"{HERE}.NoSuchClass", "not importable: .*NoSuchClass", id="no such class"),
        pytest.param(
            f"{HERE.rpartition('.')[0]}.broken_module.Class",
            "not importable: RuntimeError: no licence file",
            id="a module that fails on import",
        ),
        pytest.param(f"{HERE}.window", "must be a class", id="a function"),
        pytest.param(f"{HERE}.INSTANCE", "must be a class", id="an instance"),
        pytest.param(f"{HERE}.NeedsAnArgument", "cannot be instantiated: TypeError", id="needs an argument"),
        pytest.param(f"{HERE}.NoName", "lacks 'name'", id="no name"),
        pytest.param(f"{HERE}.NoBarsNeeded", "lacks 'bars_needed'", id="no bars_needed"),
        pytest.param(f"{HERE}.NoDetect", "lacks 'detect'", id="no detect"),
        pytest.param(f"{HERE}.DetectIsNoMethod", "detect must be a method", id="detect is a string"),
        pytest.param(f"{HERE}.EmptyName", "name must be 1 to 64", id="an empty name"),
        pytest.param(f"{HERE}.BlankName", "name must be 1 to 64", id="a blank name"),
        pytest.param(f"{HERE}.NameTooLong", "name must be 1 to 64", id="a name of 65"),
        pytest.param(f"{HERE}.NameWithNul", "name must be 1 to 64", id="a name that PostgreSQL cannot store"),
        pytest.param(f"{HERE}.NameIsNoString", "name must be 1 to 64", id="a number for a name"),
        pytest.param(f"{HERE}.NoBars", "bars_needed must be 1 to 5000, not 0", id="0 bars"),
        pytest.param(f"{HERE}.TooManyBars", "bars_needed must be 1 to 5000, not 5001", id="5001 bars"),
        pytest.param(f"{HERE}.BarsAsBool", "bars_needed must be an int, not True", id="True bars"),
        pytest.param(f"{HERE}.BarsAsFloat", "bars_needed must be an int, not 2.0", id="2.0 bars"),
    ],
)
def test_what_is_no_detector_is_refused_by_path_and_reason(path, problem):
    with pytest.raises(DetectorError, match=problem) as refused:
        load([SHIPPED[0], path])

    assert repr(path) in str(refused.value)
    assert refused.value.path == path


@pytest.mark.parametrize(
    "second",
    [pytest.param("AlsoUp", id="two classes of one name"), pytest.param("Up", id="one class twice")],
)
def test_two_detectors_of_one_name_are_refused(second):
    with pytest.raises(DetectorError, match=r"name 'up' is already taken by .*samples\.Up") as refused:
        load([f"{HERE}.Up", f"{HERE}.{second}"])

    assert refused.value.path == f"{HERE}.{second}"


class FakeEntry:
    def __init__(self, name, value):
        self.name, self.value = name, value


def test_installed_stands_for_the_detectors_of_all_packages_by_name(monkeypatch):
    entries = [FakeEntry("b", f"{HERE}:Up"), FakeEntry("a", f"{HERE}:Longest")]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries if group == "market_scanner.detectors" else [])

    assert [type(one).__name__ for one in load([SHIPPED[1], "installed"])] == ["Wyckoff", "Longest", "Up"]


def test_installed_without_a_package_is_refused():
    with pytest.raises(DetectorError, match="'installed': no installed package"):
        load(["installed"])


def test_shipped_stands_for_every_detector_that_ships():
    names = {type(one).__name__ for one in load(["shipped"])}

    assert names == {"Candlesticks", "Wyckoff", *beyond_candles.__all__}


def test_what_is_named_already_is_not_loaded_again_by_a_word(monkeypatch):
    monkeypatch.setattr(
        loading, "entry_points", lambda group: [FakeEntry("w", "scanner_app.detectors.wyckoff:Wyckoff")]
    )

    loaded = [one.name for one in load(["installed", "shipped", SHIPPED[0]])]

    assert loaded[0] == "wyckoff"
    assert loaded[-1] == "candlesticks"
    assert len(loaded) == len(set(loaded)) == 2 + len(beyond_candles.__all__)


def test_the_projects_entry_points_are_the_detectors_that_are_not_on_by_default(monkeypatch):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = [FakeEntry(*entry) for entry in project["entry-points"][loading.GROUP].items()]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries)

    loaded = load(["installed"])

    assert [one.name for one in loaded] == sorted(entry.name for entry in entries)
    assert {type(one).__name__ for one in loaded} == set(beyond_candles.__all__)
