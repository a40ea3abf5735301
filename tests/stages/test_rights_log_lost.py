"""A rights log that lost something since the last run: nothing is decided on it, by nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli import main


def _run(workspace: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--workspace", str(workspace)])


def _event(number: int, kind: str, data: dict[str, object]) -> str:
    event = {"specversion": "1.0", "id": f"{kind}-{number}", "source": "//test", "type": kind}
    return json.dumps(event | {"time": "2025-06-01T00:00:00Z", "data": data}) + "\n"


def _content(number: int) -> str:
    return _event(number, "content.published", {"asset_id": "song", "account_id": "ada"})


def _takedown(asset: str) -> str:
    return _event(0, "rights.claim.opened", {"claim_id": "c", "kind": "takedown", "subject": f"asset:{asset}"})


@pytest.fixture
def drained(tmp_path: Path) -> Path:
    """A workspace whose gate has applied a takedown and denied the asset."""
    workspace = tmp_path / "ws"
    assert _run(workspace, "init", str(workspace)).exit_code == 0
    with (workspace / "log/rights.jsonl").open("a") as log:
        log.write(_takedown("song"))
    (workspace / "log/content.jsonl").write_text(_content(0))
    assert _run(workspace, "gate", "--drain").exit_code == 0
    return workspace


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


@pytest.mark.parametrize("command", [["gate", "--drain"], ["status"], ["decide", "log/content.jsonl"]])
def test_a_rights_log_that_ends_below_what_was_applied_is_refused(drained: Path, command: list[str]) -> None:
    """A takedown that was applied and is gone from the log does not make its asset permitted again."""
    log = drained / "log/rights.jsonl"
    log.write_text("".join(_lines(log)[:-1]))
    with (drained / "log/content.jsonl").open("a") as content:
        content.write(_content(1))
    result = _run(drained, *[str(drained / part) if part.endswith(".jsonl") else part for part in command])
    assert result.exit_code == 3
    assert "restore the rights log" in result.output


def test_a_rights_log_that_was_rewritten_is_refused(drained: Path) -> None:
    """The same length is not the same log: the last record that was applied must still be what it was."""
    log = drained / "log/rights.jsonl"
    log.write_text("".join([*_lines(log)[:-1], _takedown("sonk")]))
    result = _run(drained, "gate", "--drain")
    assert result.exit_code == 3
    assert "rewritten" in result.output
