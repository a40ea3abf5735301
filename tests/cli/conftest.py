"""The real command line on real workspaces, in this process, with a clock that stands."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatekeeper.cli import main
from gatekeeper.cli.caller import Caller
from gatekeeper.core.times import parse_instant

NOW = "2025-06-20T12:00:00Z"
os.environ.pop("COLUMNS", None)  # a parallel test worker has the width of somebody's terminal


@dataclass(frozen=True)
class Answer:
    """What a command said. ``json`` is the last line of standard output."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.lines[-1])


@dataclass
class Desk:
    """Somebody at a terminal, in one workspace. ``now`` is what the clock says."""

    root: Path
    now: str = NOW

    def run(self, *args: object, stdin: str | bytes | None = None, workspace: bool = True) -> Answer:
        where = ["--workspace", str(self.root)] if workspace else []
        caller = Caller(clock_us=lambda: parse_instant(self.now))
        result = CliRunner().invoke(main, [*where, *map(str, args)], obj=caller, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def ok(self, *args: object, stdin: str | bytes | None = None) -> Answer:
        answer = self.run(*args, stdin=stdin)
        assert answer.code == 0, answer
        return answer

    def log(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "log" / f"{name}.jsonl").read_text().splitlines()]

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text)
        return path

    def dataset(self, name: str, purpose: str, **more: object) -> Path:
        """Declare a dataset in its file."""
        fields = {"name": name, "owner": "o", "description": "d", "purpose": purpose, "approval": "none", **more}
        return self.write(f"datasets/{name}.yaml", json.dumps(fields))


def event(type_: str, time: str = "2025-06-01T00:00:00Z", id_: str | None = None, /, **data: object) -> str:
    """One CloudEvent as a line."""
    digest = hashlib.sha256(json.dumps([type_, time, data], sort_keys=True).encode()).hexdigest()
    envelope = {"specversion": "1.0", "id": id_ or digest, "source": "urn:test", "type": type_}
    return json.dumps(envelope | {"time": time, "data": data})


def published(asset: str = "song", account: str = "nina", time: str = "2025-06-01T00:00:00Z", **data: object) -> str:
    return event("content.published", time, asset_id=asset, account_id=account, **data)


def lines(*events: str) -> str:
    return "".join(f"{line}\n" for line in events)


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def names(rows: Sequence[dict[str, Any]], key: str) -> list[Any]:
    return [row[key] for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A workspace with the shipped terms, policy and datasets."""
    made = Desk(tmp_path / "workspace")
    answer = made.run("init", made.root, workspace=False)
    assert answer.code == 0, answer
    return made


@pytest.fixture
def bare(tmp_path: Path) -> Desk:
    """A workspace with the policy alone."""
    made = Desk(tmp_path / "workspace")
    answer = made.run("init", "--bare", made.root, workspace=False)
    assert answer.code == 0, answer
    return made
