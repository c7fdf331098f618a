"""The alarms of deploy/ ask for what is shown, ring when they should, and say what to do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.runtime import metrics
from tests.contract.test_deploy import DEPLOY, documents, of_kind
from tests.support.prepare import require_promtool
from tests.support.processes import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PROMETHEUS = documents(DEPLOY / "monitoring" / "prometheus.yml")[0]
ALERTS = documents(DEPLOY / "monitoring" / "alerts.yaml")[0]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


def shown() -> set[str]:
    """The names under which our processes show their figures."""
    assert metrics.parked
    names: set[str] = set()
    for family in REGISTRY.collect():
        counted = family.type == "counter"
        names |= {f"{family.name}_total"} if counted else {family.name, f"{family.name}_bucket"}
    return names


def asked_for(text: str) -> set[str]:
    return set(re.findall(r"\bchapterhouse_\w+", text))


def test_alarms_and_dashboard_ask_for_figures_that_are_shown() -> None:
    """A misspelt one is never high."""
    dashboard = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    expressions += [rule["expr"] for rule in RULES]
    assert asked_for(" ".join(expressions)) <= shown()
    queues = {f"{name}.{kind}" for name in SUBSCRIPTIONS for kind in ("events", "requests", "dead")}
    for text in expressions:
        for pattern in re.findall(r'queue=~?"([^"]+)"', text):
            known = [*queues, "unrouted", "retry.1000"]
            assert any(re.fullmatch(pattern, name) for name in known), pattern


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alarm_says_what_to_do(rule: dict[str, Any]) -> None:
    """In a section of the runbook of its own, with all three parts."""
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    _, found, rest = RUNBOOK.partition(f"\n### {rule['alert']}\n")
    assert found, f"docs/runbook.md has no section {rule['alert']}"
    section = rest.split("\n### ")[0]
    assert all(part in section for part in ("**Means.**", "**Look.**", "**Do.**"))


def test_somebody_asks_whether_each_web_app_is_ready() -> None:
    """On the port that compose gives it, or by its name in the cluster, as the alarm calls it, and let in there."""
    (job,) = (each for each in PROMETHEUS["scrape_configs"] if each["job_name"] == "web")
    asked = {each["labels"]["site"]: each["targets"] for each in job["static_configs"]}
    assert asked == {name: [f"http://{name}:9000/readyz"] for name in ("admin", "portal")}
    probes = of_kind("Probe")
    assert set(probes) == {"admin", "portal"}
    for name, probe in probes.items():
        assert probe["spec"]["jobName"] == "web"
        assert probe["spec"]["targets"]["staticConfig"] == {
            "static": [f"http://{name}.chapterhouse.svc/readyz"],
            "labels": {"site": name},
        }
    (selected,) = of_kind("NetworkPolicy")["monitoring"]["spec"]["podSelector"]["matchExpressions"]
    assert "gateway" in selected["values"]


def test_prometheus_takes_its_configuration_also_with_an_alertmanager(tmp_path: Path) -> None:
    """The block that stands there as a comment is one that works."""
    written = (DEPLOY / "monitoring" / "prometheus.yml").read_text()
    block = re.sub(r"^# (?=alerting:|  )", "", written, flags=re.MULTILINE)
    assert yaml.safe_load(block)["alerting"]["alertmanagers"]
    (tmp_path / "alerts.yaml").write_text((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    for text in (written, block):
        (tmp_path / "prometheus.yml").write_text(text)
        check = [require_promtool(), "check", "config", tmp_path / "prometheus.yml"]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_lie_on_each_other() -> None:
    """Grafana would move them about."""
    panels = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_both_copies_of_the_alarms_are_one() -> None:
    """Prometheus's own file, and the resource that an operator in the cluster takes."""
    (rule,) = of_kind("PrometheusRule").values()
    assert rule["spec"] == ALERTS


def test_each_alarm_rings_when_it_should_and_only_then() -> None:
    """By promtool, on figures made up for each; every alarm is tried."""
    file = DEPLOY / "monitoring" / "alerts_test.yaml"
    tried = {
        each["alertname"]
        for test in documents(file)[0]["tests"]
        for each in test["alert_rule_test"]
        if each.get("exp_alerts")
    }
    assert tried == {rule["alert"] for rule in RULES}
    done = subprocess.run([require_promtool(), "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
