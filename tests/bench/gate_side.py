"""The gate as a benchmark runs it: a workspace on the filled topics, a warm worker, the seconds it takes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from gatekeeper.config import read_workspace
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.stages.gate.worker import Worker
from gatekeeper.wiring import OpenWorkspace, apply, plan, system_clock_us
from gatekeeper.wiring.gate import GateOptions, gate_worker
from tests.bench.broker_topics import PARTITIONS, Topics

ALL = frozenset(range(PARTITIONS))


class Silent:
    """A watch that looks at nothing, whatever it is told."""

    def __getattr__(self, _told: str) -> Callable[..., None]:
        return lambda *_what, **_more: None


def new_workspace(topics: Topics, root: Path) -> OpenWorkspace:
    """A Kafka workspace with the shipped limits, the shipped policy and its three datasets, applied."""
    workspace = make_workspace(root, bare=False)
    config = {
        "log": "kafka",
        "kafka": {"bootstrap_servers": topics.servers, "development": True, "group": f"bench-{uuid.uuid4().hex}"},
    }
    (workspace.root / "gatekeeper.yaml").write_text(yaml.safe_dump(config))
    opened = OpenWorkspace(read_workspace(workspace.root), system_clock_us)
    apply(opened, plan(opened))
    return opened


@contextmanager
def warm_worker(opened: OpenWorkspace, *, drain: bool) -> Iterator[Worker]:
    """A worker that has read the rights log and made its tables: what is left is the stream.

    What remains of the log's beginning costs the worker a few milliseconds, which are counted against it.
    """
    with gate_worker(opened, GateOptions(drain=drain), Silent()) as worker:
        worker._p.decider.start()
        yield worker


def run_gate(opened: OpenWorkspace) -> float:
    """Seconds until everything is decided, committed and folded."""
    with warm_worker(opened, drain=True) as worker:
        started = time.perf_counter()
        worker.run(ALL)
        return time.perf_counter() - started
