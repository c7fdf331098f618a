"""What lies in deploy/ agrees with the code, with itself, and with what a cautious operator would ask of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import REGISTRY

from services.cli import SERVED, main
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.runtime import metrics
from shared.runtime.keys import PRINCIPALS
from shared.runtime.settings import Settings
from tests.support.prepare import require_promtool
from tests.support.processes import ROOT
from tests.support.shipped import shipped_definitions

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


COMPOSE = documents(DEPLOY / "compose.yaml")[0]
MANIFESTS = [
    each
    for file in documents(KUBERNETES / "kustomization.yaml")[0]["resources"]
    for each in documents(KUBERNETES / file)
]
PROCESS = documents(KUBERNETES / "process.yaml")[0]["spec"]["template"]["spec"]
MIGRATION = documents(KUBERNETES / "migration.yaml")[0]["spec"]["template"]["spec"]
OPERATOR = documents(KUBERNETES / "operator.yaml")[0]["spec"]
ALERTS = documents(DEPLOY / "monitoring" / "alerts.yaml")[0]
PROMETHEUS = documents(DEPLOY / "monitoring" / "prometheus.yml")[0]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] == kind}


# -- the broker -------------------------------------------------------------------------------


def test_the_committed_definitions_are_those_of_this_code() -> None:
    """Made anew with `chapterhouse topology > deploy/rabbitmq/definitions.json`."""
    told = json.loads((DEPLOY / "rabbitmq" / "definitions.json").read_text())
    assert told == shipped_definitions(Settings().ladder)


def test_definitions_with_passwords_hold_only_hashes(tmp_path: Path) -> None:
    """One that is missing or short is named."""
    for name in PRINCIPALS:
        (tmp_path / name).write_text(f"password-of-{name}-is-long\n")
    said = CliRunner().invoke(main, ["topology", "--passwords", str(tmp_path)]).output
    assert "password-of" not in said
    assert all(user["password_hash"] for user in json.loads(said)["users"])
    (tmp_path / "portal").write_text("short")
    assert "too short" in CliRunner().invoke(main, ["topology", "--passwords", str(tmp_path)]).output
    (tmp_path / "admin").unlink()
    assert "no file for admin" in CliRunner().invoke(main, ["topology", "--passwords", str(tmp_path)]).output


def test_every_service_grows_with_its_own_two_queues() -> None:
    """And has two processes when nothing is to do."""
    scaled = of_kind("ScaledObject")
    assert set(scaled) == set(SUBSCRIPTIONS)
    for name, each in scaled.items():
        watched = {trigger["metadata"]["queueName"] for trigger in each["spec"]["triggers"]}
        assert watched == {f"{name}.events", f"{name}.requests"}
        assert each["spec"]["minReplicaCount"] >= 2


# -- the image --------------------------------------------------------------------------------


def pins(path: Path) -> dict[str, set[str]]:
    """Each requirement with its marker, and its hashes."""
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.MULTILINE)
    found = re.findall(r"^(\S+==.*?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, flags=re.MULTILINE)
    return {name.strip(): set(re.findall(r"sha256:\w+", hashes)) for name, hashes in found}


def test_the_image_holds_what_the_lock_names_and_nothing_for_development() -> None:
    """Made anew as deploy/Dockerfile says; versions and hashes are those that the suite ran on."""
    whole, image = pins(ROOT / "requirements.lock"), pins(DEPLOY / "requirements.lock")
    versions = {name.split(" ;")[0]: hashes for name, hashes in whole.items()}
    assert {name.split(" ;")[0]: hashes for name, hashes in image.items()}.items() <= versions.items()
    names = {name.split("==")[0] for name in image}
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.findall(r'"([a-z0-9-]+)', project.split("dependencies = [")[1].split("]")[0])
    assert set(wanted) <= names
    assert not names & {"pytest", "playwright", "mypy", "ruff", "hypothesis", "testcontainers"}


def test_the_image_runs_as_nobody_and_names_what_it_takes() -> None:
    """A build sees what .dockerignore lets through, and no secret that lies about."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    last = dockerfile.split("\nFROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, flags=re.MULTILINE)
    assert "--require-hashes" in dockerfile
    assert "ARG" not in dockerfile
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, flags=re.MULTILINE)
        for word in line.split()
    }
    assert copied == {line[1:] for line in ignored if line.startswith("!")}


# -- compose ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_container_has_more_than_it_needs(name: str) -> None:
    """Not root, nothing to write, no capability, no secret in its environment."""
    told = COMPOSE["services"][name]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["user"].split(":")[0] not in ("0", "root")
    assert told["mem_limit"]
    assert not [
        each for each in told.get("environment", {}) if re.search("PASSWORD$|TOKEN|BROKER_URL|DATABASE_URL", each)
    ]
    assert all(volume.endswith(":ro") or ":/var/lib/" in volume for volume in told["volumes"])


def test_every_process_runs_and_meets_only_its_own_database() -> None:
    """By networks: each database's has the server, its process and its migration; the operator looks into five."""
    services = COMPOSE["services"]
    on = {
        network: {name for name, told in services.items() if network in told["networks"]}
        for network in COMPOSE["networks"]
    }
    for name in SERVED:
        assert services[name]["command"] == ["serve", name]
        assert on[f"{name}-database"] - {"operator"} == {"postgres", name, f"migrate-{name}"}
        assert COMPOSE["networks"][f"{name}-database"]["internal"]
    assert on["outside"] == {"notifications"}
    assert on["front"] == {"admin", "portal"}
    assert on["bus"] == {"broker", "operator", *SERVED}
    assert all(port.startswith("127.0.0.1:") for told in services.values() for port in told.get("ports", []))


def test_the_proxy_that_is_believed_is_the_gateway_of_the_network_it_comes_through() -> None:
    """The web apps' other networks are internal: a published port leads through this one."""
    (front,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert ip_address(front["gateway"]) in ip_network(front["subnet"]).hosts()
    told = re.findall(r"\$\{PROXY_FROM:-([^}]+)\}", (DEPLOY / "compose.yaml").read_text())
    told += re.findall(r"^PROXY_FROM=(.*)$", (DEPLOY / "env.example").read_text(), flags=re.MULTILINE)
    assert told == [front["gateway"]] * 3
    for name in ("admin", "portal"):
        others = set(COMPOSE["services"][name]["networks"]) - {"front"}
        assert all(COMPOSE["networks"][each]["internal"] for each in others)


def test_the_example_names_every_variable_that_compose_asks_for() -> None:
    """Those with a default too, except ports."""
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    named = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "env.example").read_text(), flags=re.MULTILINE))
    assert asked - {"ADMIN_PORT", "PORTAL_PORT", "SMS_BASE_URL"} == named


def settings_of(prefix: str) -> set[str]:
    """The variables that the processes read, by their settings' classes."""
    from services.admin.settings import AdminSettings  # noqa: PLC0415
    from services.notifications.settings import NotificationsSettings  # noqa: PLC0415
    from services.portal.settings import PortalSettings  # noqa: PLC0415

    kinds = (PortalSettings, AdminSettings, NotificationsSettings)
    known = {f"{kind.model_config['env_prefix']}{field}".upper() for kind in kinds for field in kind.model_fields}
    return {name for name in known if name.startswith(prefix)} | {"CHAPTERHOUSE_SECRETS"}


def test_every_variable_that_deploy_sets_is_one_that_is_read() -> None:
    """A misspelt one would be passed over in silence."""
    told = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    told |= {line.split("=")[0] for line in (KUBERNETES / "told.env").read_text().splitlines()}
    told |= {each["name"] for each in OPERATOR["containers"][0]["env"]}
    assert {name for name in told if name.startswith("CHAPTERHOUSE_")} <= settings_of("CHAPTERHOUSE_")


def test_a_running_broker_sees_the_definitions_of_a_new_version(tmp_path: Path) -> None:
    """A single file that is mounted is the file itself, not its name: it is written in place, readable as before."""
    version, told = tmp_path / "version", tmp_path / "chapterhouse"
    told.write_text(f'#!/bin/sh\n[ "$1" = keys ] || cat {version}\n')
    told.chmod(0o755)
    seen = []
    for each in ("old, and longer", "new"):
        version.write_text(each)
        env = {**os.environ, "CHAPTERHOUSE": str(told)}
        subprocess.run([DEPLOY / "make-secrets", tmp_path / "secrets"], env=env, check=True, capture_output=True)
        file = tmp_path / "secrets" / "definitions.json"
        assert file.read_text() == each
        assert file.stat().st_mode & 0o777 == 0o444
        seen.append(file.stat().st_ino)
    assert seen[0] == seen[1]
    assert not (tmp_path / "secrets" / "definitions.new").exists()


# -- Kubernetes -------------------------------------------------------------------------------


@pytest.mark.parametrize("pod", [PROCESS, MIGRATION, OPERATOR], ids=["process", "migration", "operator"])
def test_no_pod_has_more_than_it_needs(pod: dict[str, Any]) -> None:
    """What Kubernetes calls restricted, and a root file system that cannot be written."""
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert all(mount.get("readOnly") or mount["name"] == "tmp" for mount in container["volumeMounts"])
    assert "value" not in str([each for each in container.get("env", []) if "PASSWORD" in each["name"]])


def test_processes_are_probed_and_given_time_to_drain() -> None:
    """Longer than they take by themselves."""
    (container,) = PROCESS["containers"]
    probed = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "readiness", "startup")}
    assert probed == {"liveness": "/livez", "readiness": "/readyz", "startup": "/livez"}
    assert PROCESS["terminationGracePeriodSeconds"] > Settings().drain_seconds + 10


def test_every_process_is_deployed_migrated_and_protected_from_a_drained_machine() -> None:
    """Each with its own settings, key, certificate and database, and nobody else's."""
    deployed, budgets, jobs = of_kind("Deployment"), of_kind("PodDisruptionBudget"), of_kind("Job")
    assert set(deployed) == set(budgets) == set(SERVED)
    assert set(jobs) == {f"migrate-{name}" for name in SERVED}
    for name in SERVED:
        assert deployed[name]["spec"]["selector"] == budgets[name]["spec"]["selector"]
        for each, verb in ((deployed[name], "serve"), (jobs[f"migrate-{name}"], "migrate")):
            template = each["spec"]["template"]
            assert template["spec"]["containers"] == [
                {"name": "process", "image": "chapterhouse", "args": [verb, name]}
            ]
            assert template["metadata"]["labels"]["database"] == name
            secrets = {volume["secret"]["secretName"] for volume in template["spec"]["volumes"]}
            assert secrets == {f"{name}-settings", f"{name}-key", f"{name}-tls", f"{name}-database-ca"}


def test_a_browser_stays_with_one_process_of_a_web_app() -> None:
    """Imports under way and what was sealed for a form are in one process's memory; each way to it has its affinity."""
    for name in ("admin", "portal"):
        told = of_kind("Ingress")[name]["metadata"]["annotations"]
        assert told["nginx.ingress.kubernetes.io/affinity"] == "cookie"
        assert told["nginx.ingress.kubernetes.io/session-cookie-secure"] == "true"
        assert of_kind("Service")[name]["spec"]["sessionAffinity"] == "ClientIP"


def reached() -> dict[str, set[str]]:
    """Which label values each policy lets in, over its named peers."""
    return {
        name: {
            str(peer["podSelector"].get("matchLabels") or peer["podSelector"].get("matchExpressions"))
            for rule in policy["spec"].get("ingress", [])
            for peer in rule["from"]
            if "podSelector" in peer
        }
        for name, policy in of_kind("NetworkPolicy").items()
    }


def test_nothing_is_reached_that_is_not_named() -> None:
    """A policy that takes everything from everyone, and a way to each database for its own process alone."""
    policies = of_kind("NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in SERVED:
        let_in = reached()[f"{name}-database"]
        own, operator = str({"database": name}), str({"part": "operator"})
        assert let_in == {own, operator, str({"cnpg.io/cluster": f"{name}-database"})}
        (way,) = policies[f"{name}-to-its-database"]["spec"]["egress"]
        assert way["to"] == [{"podSelector": {"matchLabels": {"cnpg.io/cluster": f"{name}-database"}}}]
    outside = [
        name
        for name, policy in policies.items()
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer and not {443, 6443} >= {port["port"] for port in rule["ports"]}
    ]
    assert outside == ["notifications-to-the-outside"]


def test_feedback_keeps_no_log_of_the_order_in_which_slips_came() -> None:
    """No standby that streams it, no archive; nor does any database log its statements."""
    clusters = of_kind("Cluster")
    assert clusters["feedback-database"]["spec"]["instances"] == 1
    for cluster in clusters.values():
        assert "backup" not in cluster["spec"]
        assert cluster["spec"]["postgresql"]["parameters"]["log_statement"] == "none"
    assert "archive_mode=off" in str(COMPOSE["services"]["postgres"]["command"])


def test_the_broker_is_three_nodes_that_load_what_the_topology_says() -> None:
    """The minority of a divided cluster pauses: else two halves would go on apart."""
    (broker,) = of_kind("RabbitmqCluster").values()
    told = broker["spec"]["rabbitmq"]["additionalConfig"]
    assert broker["spec"]["replicas"] == 3
    assert "cluster_partition_handling = pause_minority" in told
    assert "fail_if_no_peer_cert = true" in told
    assert "load_definitions = /etc/rabbitmq/definitions/definitions.json" in told


# -- alarms -----------------------------------------------------------------------------------


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
