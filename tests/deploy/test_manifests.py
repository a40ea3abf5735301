"""Container, compose and Kubernetes files: read by the linters of their own worlds, and held to what we promise."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.access.kafka_acls import GRANTED
from tests.test_docs import commands

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "container" / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
KUBERNETES = DEPLOY / "kubernetes" / "gatekeeper.yaml"


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def pods() -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(KUBERNETES.read_text()):
        spec = document.get("spec", {})
        template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get("template")
        if template:
            yield template["spec"]


def test_the_container_file_is_clean() -> None:
    """hadolint has nothing to say, and would have (a file it must complain of)."""
    done = tool("hadolint", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("bad", ["FROM python:latest\n", "FROM python:3.11-slim\nRUN cd /x\n"])
def test_the_linter_of_container_files_works(bad: str, tmp_path: Path) -> None:
    """It finds what is wrong with others."""
    (tmp_path / "Dockerfile").write_text(bad)
    assert tool("hadolint", tmp_path / "Dockerfile").returncode != 0


def test_what_the_container_file_copies_is_there_and_in_its_context() -> None:
    """And so is what the image needs of the repository."""
    allowed = [
        line[1:]
        for line in (DEPLOY / "container" / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [
        name
        for line in DOCKERFILE.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in shlex.split(line)[1:-1]
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(Path(name).full_match(a) if hasattr(Path, "full_match") else Path(name).match(a) or
                   name.startswith(f"{a}/") for a in allowed), name  # fmt: skip
    assert re.search(r"^USER 10001$", DOCKERFILE.read_text(), re.MULTILINE)


def test_the_compose_file_keeps_to_the_specification() -> None:
    """As its published schema says."""
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert done.returncode == 0, done.stdout


def test_compose_opens_ports_on_this_machine_only_and_holds_no_secret() -> None:
    """Every image has a version, every secret comes from outside, and .env.example names all that is asked for."""
    for name, service in compose()["services"].items():
        assert re.search(r":[a-z0-9.]+$", service["image"]), name
        assert not service["image"].endswith(":latest"), name
        assert not service.get("privileged"), name
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for key, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|TOKEN", key):
                assert str(value).startswith("${"), (name, key)
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)[:}]", COMPOSE.read_text()))
    offered = set(re.findall(r"^([A-Z0-9_]+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert asked == offered


def test_what_is_run_can_be_run() -> None:
    """Each gatekeeper command of compose and Kubernetes files exists."""
    known = {command.removeprefix("gatekeeper ") for command in commands()}
    ours = [s for s in compose()["services"].values() if s["image"].startswith("gatekeeper") and "entrypoint" not in s]
    run = [service["command"][0] for service in ours]
    run += [container["args"][0] for pod in pods() for container in pod["containers"]]
    assert run
    assert set(run) <= known


def test_the_kubernetes_manifests_are_valid() -> None:
    """Against the schema of each kind, unknown fields refused."""
    done = tool("kubernetes-validate", "--strict", KUBERNETES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pods_have_no_more_than_they_need() -> None:
    """No root, no privilege, nothing written outside their volumes, no token of the cluster, memory bounded."""
    found = list(pods())
    assert found
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            secure = container["securityContext"]
            assert secure["allowPrivilegeEscalation"] is False
            assert secure["readOnlyRootFilesystem"] is True
            assert secure["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_no_credential_may_do_two_things_that_are_kept_apart() -> None:
    """Who decides writes no evidence, who gives evidence publishes nothing, who trains can only read."""
    kafka = json.loads(GRANTED.read_text())["principals"]
    writes = {name: {t for t, ops in may.get("topics", {}).items() if "WRITE" in ops} for name, may in kafka.items()}
    assert {name for name, topics in writes.items() if "rights" in topics} == {"rights-desk", "policy-owner"}
    assert {name for name, topics in writes.items() if "content" in topics} == {"catalogue"}
    assert "ml-reader" not in kafka
    putting = {}
    for bucket in ("lake", "releases"):
        policy = json.loads((DEPLOY / "access" / f"s3-{bucket}.json").read_text())
        allowed = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
        assert not any("*" in action for s in allowed for action in s["Action"])
        putting[bucket] = {
            who
            for s in allowed
            for who in s["Principal"]["AWS"]
            if {"s3:PutObject", "s3:DeleteObject"} & {*s["Action"]}
        }
    assert putting == {"lake": {"worker", "policy-owner"}, "releases": {"worker"}}


def test_the_roles_of_reviewers_and_builders_do_not_meet() -> None:
    """Read from the script that makes them: who answers starts nothing, who starts answers nothing, neither edits."""
    script = DEPLOY / "access" / "airflow_roles.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    may: dict[str, set[tuple[str, str]]] = {}
    for line in script.read_text().splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["may"]:
            may.setdefault(words[1], set()).update((words[2], resource) for resource in words[3:])
    changing = {
        role: {(action, of) for action, of in grants if action not in ("can_read", "menu_access")}
        for role, grants in may.items()
    }
    assert changing == {
        "Rights reviewer": {("can_edit", "HITL Detail")},
        "Dataset builder": {("can_create", "DAG Runs")},
    }
