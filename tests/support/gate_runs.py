"""Gates run one after the other in this process, on real logs and a real lake, by a clock that stands.

A gate that "dies" raises ``Died`` from the step hook: what is committed by then is committed, everything else is gone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.config import read_workspace
from gatekeeper.core.times import parse_instant
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.wiring import OpenWorkspace, apply, plan
from gatekeeper.wiring.gate import GateOptions, gate_worker
from tests.cli.conftest import event
from tests.support.lake_log import Row, exists, rows_now, versions
from tests.support.running_gate import Running, Silent

NOW = "2025-06-20T12:00:00Z"
ENDS_WITHIN_S = 30.0
SERVICE = ["service", "training"]
TERMS = event(
    "rights.terms.published",
    terms_id="t",
    effective_from="2024-01-01T00:00:00Z",
    acceptance="continued_use",
    grants={"service": "permit", "training.analytical": "permit"},
)
"""What everything is permitted by that nobody spoke about."""

Step = Callable[[str], None]


class Died(Exception):
    """The gate's process ended here."""


def dies_at(name: str) -> Step:
    """A step hook that ends the gate at the first call of a step."""

    def step(at: str) -> None:
        if at == name:
            raise Died(name)

    return step


def once_at(name: str, do: Callable[[], object]) -> Step:
    """A step hook that does something at the first call of a step."""
    waiting = [do]

    def step(at: str) -> None:
        if at == name and waiting:
            waiting.pop()()

    return step


def withdrawn(account: str = "nina", time: str = "2025-06-01T00:00:00Z", id_: str | None = None) -> str:
    who = f"account:{account}"
    return event("rights.consent.withdrawn", time, id_, speaker=who, subject=who, purposes=SERVICE)


def granted(account: str = "nina", time: str = "2025-06-01T00:00:00Z", id_: str | None = None) -> str:
    who = f"account:{account}"
    return event("rights.consent.granted", time, id_, speaker=who, subject=who, purposes=SERVICE)


@dataclass
class Runs:
    """An embedded workspace with terms, and the datasets ``radio`` (service) and ``models`` (training)."""

    root: Path
    now: str = NOW
    datasets: Mapping[str, str] = field(
        default_factory=lambda: {"radio": "service.recommendation", "models": "training.analytical"}
    )

    def __post_init__(self) -> None:
        make_workspace(self.root, bare=True)
        for name, purpose in self.datasets.items():
            self.declare(name, purpose)
        self.apply()
        self.rights(TERMS)

    @property
    def opened(self) -> OpenWorkspace:
        """As a new process opens it; the clock follows ``now``."""
        return OpenWorkspace(read_workspace(self.root), lambda: parse_instant(self.now))

    # rules

    def declare(self, name: str, purpose: str) -> None:
        fields = {"name": name, "owner": "o", "description": "d", "purpose": purpose, "approval": "none"}
        (self.root / "datasets" / f"{name}.yaml").write_text(json.dumps(fields))

    def retire(self, name: str) -> None:
        (self.root / "datasets" / f"{name}.yaml").unlink()

    def new_policy(self) -> str:
        """Another policy file that decides the same; its digest."""
        file = self.root / "policy" / "policy.yaml"
        file.write_text(file.read_text().replace("CC0-1.0", f"CC0-1.0, CC0-{len(file.read_text())}", 1))
        return self.opened.policy().digest

    def apply(self) -> None:
        opened = self.opened
        apply(opened, plan(opened))

    # logs

    def log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.jsonl"

    def content(self, *values: str | bytes) -> int:
        """Append to the content log; the end before."""
        return self._append("content", values)

    def rights(self, *values: str | bytes) -> int:
        """Append to the rights log; the position of the first."""
        return self._append("rights", values)

    def _append(self, log: str, values: tuple[str | bytes, ...]) -> int:
        before = self.log(log).read_bytes().count(b"\n")
        with self.log(log).open("ab") as file:
            file.write(b"".join((v.encode() if isinstance(v, str) else v) + b"\n" for v in values))
        return before

    # gates

    def drain(self, step: Step = lambda _name: None, partitions: frozenset[int] | None = None) -> None:
        """One gate, to the end. Raises what it raises, and ``AssertionError`` where it does not end."""
        late = threading.Event()
        with gate_worker(self.opened, GateOptions(drain=True, step=step), Silent()) as worker:
            timer = threading.Timer(ENDS_WITHIN_S, lambda: (late.set(), worker.stop()))
            timer.start()
            try:
                worker.run(partitions)
            finally:
                timer.cancel()
        assert not late.is_set(), f"the gate did not end within {ENDS_WITHIN_S:g} s"

    def dies(self, at: str) -> None:
        """One gate that ends at a step."""
        try:
            self.drain(dies_at(at))
        except Died:
            return
        raise AssertionError(f"the gate never came to {at}")

    @contextmanager
    def running(self) -> Iterator[Running]:
        """One gate that runs until the end of the block, unless it stops by itself."""
        with gate_worker(self.opened, GateOptions(), Silent()) as worker:
            gate = Running(worker)
            try:
                yield gate
            finally:
                worker.stop()
                gate.thread.join(ENDS_WITHIN_S)
        assert not gate.thread.is_alive(), "the gate did not stop"

    # what came of it

    def decisions(self, dataset: str | None = None) -> list[Row]:
        """In the order of commits, then of offsets."""
        found = []
        for version in versions(self.root / "lake" / "decisions"):
            found += sorted(version.rows, key=lambda r: (r["dataset"], r["partition"], r["offset"]))
        return [row for row in found if dataset in (None, row["dataset"])]

    def last(self, dataset: str = "radio") -> dict[str, tuple[str, str]]:
        """Asset → (verdict, reason) of its last decision."""
        return {row["asset_id"]: (row["verdict"], row["reason"]) for row in self.decisions(dataset)}

    def rows(self, dataset: str = "radio") -> dict[str, Row]:
        """Asset → its row in the dataset. Fails where an asset has two."""
        found = self.table(f"datasets/{dataset}")
        assert len({row["asset_id"] for row in found}) == len(found), "an asset has two rows"
        return {row["asset_id"]: row for row in found}

    def table(self, name: str) -> list[Row]:
        path = self.root / "lake" / name
        return rows_now(path) if exists(path) else []
