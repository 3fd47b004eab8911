"""The files for Prometheus and Grafana, and the documentation, name metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds, sweep_memory
from scanner_app.models import Feed, Notification
from scanner_app.telemetry import counters
from tests.conftest import T0, accept_days, make_symbol

ROOT = Path(__file__).parent.parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((PROMETHEUS / "scanner-rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "scanner.json").read_text())

OTHERS = {"up"}
"""Metrics of Prometheus itself."""


@pytest.fixture
def families(scrape, monkeypatch) -> dict[str, Any]:
    """Every metric that the scanner has, by its name without suffix, with at least one sample."""
    symbol = make_symbol("TSLA")
    accept_days("TSLA", 1)
    Notification.objects.create(kind="opened", symbol=symbol, channel="mail", state="sent", at=T0)
    monkeypatch.setattr(sweep_memory, "last_sweep", T0.timestamp)
    Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")
    beat = live_feeds.Heartbeat(at=T0, venue="binance", state=FeedState.LIVE, lag_s=0.4, last_message_at=T0)
    monkeypatch.setattr(live_feeds, "read", lambda _: {"binance": beat})
    counters.swept({"lost": 0, "idle": 0, "published": 0, "failed": 0})
    counters.bars_refused({"invalid": 1})
    counters.deliveries({"sent": 1})
    counters.unexpected_error("task", "scanner.prune")
    return {family.name: family for family in text_string_to_metric_families(scrape())}


def expressions() -> list[str]:
    targets = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in RULES] + [target["expr"] for target in targets]


def used(expression: str) -> set[tuple[str, str]]:
    """The metrics that an expression uses, each with a label that it selects by, or with ""."""
    found = set()
    for name, matchers in re.findall(r"\b((?:scanner_|up\b)\w*)(?:\{([^}]*)\})?", expression):
        found.add((name, ""))
        found.update((name, label) for label in re.findall(r"(\w+)\s*[!=]?[=~]", matchers))
    return found


def test_rules_and_dashboard_use_existing_metrics_and_labels(families):
    by_name = {sample.name: sample for family in families.values() for sample in family.samples}
    asked = {pair for expression in expressions() for pair in used(expression) if pair[0] not in OTHERS}

    assert {name for name, _ in asked if name not in by_name} == set()
    unknown = {(name, label) for name, label in asked if label not in {"", "instance", *by_name[name].labels}}
    assert unknown == set()
    assert len(asked) > 40, "the expressions were read"


def test_every_metric_is_documented_and_begins_with_scanner(families):
    text = (ROOT / "docs" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))

    names = {f"{name}_total" if family.type == "counter" else name for name, family in families.items()}

    assert documented == names
    assert all(name.startswith("scanner_") for name in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_rule_has_a_severity_and_a_summary(rule):
    assert rule["labels"]["severity"] in {"info", "warning", "error"}
    assert rule["annotations"]["summary"]


def test_the_dashboards_panels_have_ids_of_their_own_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    assert all(panel["description"] for panel in panels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "command",
    [
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["check", "rules", "scanner-rules.yml"],
        ["test", "rules", "scanner-rules-test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_accepts_the_files(command):
    done = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_page(scrape):
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_understands_the_dashboards_expressions(tmp_path):
    written = [one.replace("$__rate_interval", "5m").replace("$instance", ".*") for one in expressions()]
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(written)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    done = subprocess.run(
        ["promtool", "check", "rules", "panels.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
