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

from services.cli import SERVED, main
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.runtime.keys import PRINCIPALS
from shared.runtime.settings import Settings
from tests.support.processes import ROOT
from tests.support.shipped import shipped_definitions

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"


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
