"""Carrying out a plan: kept first, told afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.register import Register
from gatekeeper.edges.jsonl_writer import JsonlLogWriter
from gatekeeper.edges.kept import KeptDocuments
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import Unavailable
from gatekeeper.ports import Appended
from gatekeeper.stages.apply import carry_out, plan


class BrokenLog:
    """A log that cannot be reached."""

    def append(self, events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:  # noqa: ARG002
        raise Unavailable("no log", "wait")

    def close(self) -> None: ...


@pytest.fixture
def policy() -> Policy:
    return read_policy(read_yaml(Path(str(files("gatekeeper") / "shipped" / "policy" / "policy.yaml"))))


def _refuse(kind: str, document: Mapping[str, Any]) -> str:
    raise Unavailable(f"cannot keep {kind} of {len(document)} entries", "wait")


def test_what_cannot_be_kept_is_not_told(policy: Policy, tmp_path: Path) -> None:
    """No digest gets on the log that the lake could not resolve."""
    log = JsonlLogWriter(tmp_path / "rights.jsonl")
    with pytest.raises(Unavailable):
        carry_out(plan(policy, [], Register(), lambda *_: None), _refuse, log, 0)
    assert (tmp_path / "rights.jsonl").read_bytes() == b""


def test_a_log_that_fails_leaves_only_a_document_nobody_refers_to(policy: Policy, tmp_path: Path) -> None:
    """After a crash between the two, the next apply makes the same plan and finishes it."""
    kept = KeptDocuments(tmp_path)
    made = plan(policy, [], Register(), kept.get)
    with pytest.raises(Unavailable):
        carry_out(made, kept.put, BrokenLog(), 0)
    assert kept.get("policy", policy.digest) == policy.document
    assert plan(policy, [], Register(), kept.get) == made


def test_two_applies_at_once_are_one(policy: Policy, tmp_path: Path) -> None:
    """Made against the same end of the log, their events carry the same ids, so that the log counts them once."""
    kept, log = KeptDocuments(tmp_path), JsonlLogWriter(tmp_path / "rights.jsonl")
    made = plan(policy, [], Register(position=7), kept.get)
    for now_us in (0, 1):
        carry_out(made, kept.put, log, now_us)
    ids = [json.loads(line)["id"] for line in (tmp_path / "rights.jsonl").read_text().splitlines()]
    assert len(ids) == 2
    assert len(set(ids)) == 1
