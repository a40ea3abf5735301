"""A lake of any size for the sweep's benchmark: a catalogue written straight into its table, decided by a real gate.

Assets arrive in the order of their numbers. Each has a label (recording), whose assets arrived together, and a
publisher (composition), whose assets are spread over all the stream: so one withdrawal can be clustered or scattered.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from gatekeeper.config import read_workspace
from gatekeeper.core.commits import Committed
from gatekeeper.core.layout import CATALOG, DEAD_LETTERS
from gatekeeper.core.tables import CONTENT_SCHEMA, IDENTIFIERS, INTEREST
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.wiring import OpenWorkspace, apply, plan, system_clock_us
from gatekeeper.wiring.gate import GateOptions, app_ids, gate_worker
from tests.bench.gate_side import Silent

ASSETS_PER_PARTY = 100
COMMIT_ROWS = 100_000
"""Some five of a gate's batches: what compaction has left of them."""
PUBLISHED_US = 1_700_000_000_000_000
_SPREAD = 0x9E3779B97F4A7C15
Numbers = np.ndarray


@dataclass(frozen=True)
class Cast:
    """Who holds what, by the asset's number."""

    assets: int

    @property
    def parties(self) -> int:
        """Labels, and as many publishers."""
        return self.assets // ASSETS_PER_PARTY

    def labels(self, numbers: Numbers) -> Numbers:
        return numbers // ASSETS_PER_PARTY

    def publishers(self, numbers: Numbers) -> Numbers:
        return (numbers * np.uint64(_SPREAD) >> np.uint64(20)) % np.uint64(self.parties)


def asset_ids(numbers: Numbers) -> pa.Array:
    """Ids that say nothing of the order in which they came, as random ids do not."""
    mixed = (numbers + np.uint64(1)) * np.uint64(_SPREAD)
    mixed ^= mixed >> np.uint64(29)
    return pa.array([f"{value:016x}" for value in mixed.tolist()], pa.string())


def new_lake(root: Path) -> OpenWorkspace:
    """An embedded workspace with the shipped policy and datasets, terms, and no asset."""
    workspace = make_workspace(root, bare=False)
    opened = OpenWorkspace(read_workspace(workspace.root), system_clock_us)
    apply(opened, plan(opened))
    append(opened, new_terms(0))
    return opened


def append(opened: OpenWorkspace, rights: bytes) -> None:
    """Lines onto the rights log."""
    with opened.workspace.log_file("rights").open("ab") as log:
        log.write(rights)


def arrive(opened: OpenWorkspace, cast: Cast, start: int, end: int) -> None:
    """Assets ``[start, end)`` come into the catalogue, as if a gate had recorded them and not yet decided."""
    with opened.workspace.log_file("content").open("ab") as log:
        log.write(b"{}\n" * (end - start))  # read by nobody: the catalogue stands above every one of them
    with closing(opened.content_reader()) as content:
        identity = content.identity()
    opened.pin("content", identity)
    app, lake = app_ids(identity)(0), opened.lake()
    dead, catalog = lake.open(DEAD_LETTERS), lake.open(CATALOG)
    _must(dead.append(dead.spec.schema.empty_table(), {app: end - 1}, {}))
    for first in range(start, end, COMMIT_ROWS):
        rows = _rows(cast, np.arange(first, min(first + COMMIT_ROWS, end), dtype=np.uint64))
        _must(catalog.append(rows, {app: rows["offset"][-1].as_py()}, {}))
        catalog.refresh()


def decide_arrived(opened: OpenWorkspace) -> None:
    """A real gate decides what the catalogue holds undecided, and stops."""
    with gate_worker(opened, GateOptions(drain=True), Silent()) as worker:
        worker.run(None)


def _rows(cast: Cast, numbers: Numbers) -> pa.Table:
    n, ids = len(numbers), asset_ids(numbers)
    label = [f"label-{k}" for k in cast.labels(numbers).tolist()]
    publisher = [f"publisher-{k}" for k in cast.publishers(numbers).tolist()]
    parties = pa.array([name for pair in zip(label, publisher, strict=True) for name in pair])
    roles = pa.array(["recording", "composition"] * n)
    interests = pa.StructArray.from_arrays([parties, roles], fields=list(INTEREST))
    isrc = pa.array([f"QZ{'ABC'}{k % 10**7:07d}" for k in numbers.tolist()])
    digests = np.random.default_rng(int(numbers[0])).bytes(32 * n).hex()
    sha = pa.array([digests[64 * k : 64 * k + 64] for k in range(n)])
    identifiers = pa.StructArray.from_arrays([isrc, pa.nulls(n, pa.string()), sha], fields=list(IDENTIFIERS))
    filled = {
        "event_id": pa.array([f"e{k}" for k in numbers.tolist()]),
        "source": pa.repeat(pa.scalar("//bench"), n),
        "type": pa.repeat(pa.scalar("content.published"), n),
        "time": pa.array(np.full(n, PUBLISHED_US)).cast(pa.timestamp("us", tz="UTC")),
        "topic": pa.repeat(pa.scalar("content"), n),
        "partition": pa.array(np.zeros(n, np.int32)),
        "offset": pa.array(numbers.astype(np.int64)),
        "asset_id": ids,
        "account_id": pa.array([f"account-{k}" for k in (cast.labels(numbers) // np.uint64(3)).tolist()]),
        "interests": pa.ListArray.from_arrays(np.arange(0, 2 * n + 1, 2, dtype=np.int32), interests),
        "identifiers": identifiers,
        "catalogs": pa.array([[f"catalogue-{k}"] for k in cast.labels(numbers).tolist()]),
        "title": pa.array([f"Recording number {k}" for k in numbers.tolist()]),
        "genres": pa.array([[("jazz", "pop", "folk")[k % 3]] for k in numbers.tolist()]),
        "duration_ms": pa.array((120_000 + numbers % np.uint64(200_000)).astype(np.int64)),
    }
    columns = [filled.get(f.name, pa.nulls(n, f.type)) for f in CONTENT_SCHEMA]
    return pa.table(columns, schema=CONTENT_SCHEMA)


def withdrawals(parties: list[str]) -> bytes:
    """One consent withdrawn for training by each party, as lines of the rights log."""
    return b"".join(_withdrawn(party) + b"\n" for party in parties)


def _withdrawn(party: str) -> bytes:
    said = {"speaker": f"party:{party}", "subject": f"party:{party}", "purposes": ["training"]}
    return _event("rights.consent.withdrawn", f"w-{party}", said)


def new_terms(number: int) -> bytes:
    """Terms that change every recommendation: they are prohibited, or permitted again."""
    grants = {"service": "prohibit" if number % 2 else "permit", "training.analytical": "permit"}
    said = {"terms_id": f"bench-{number}", "effective_from": "2025-06-01T00:00:00Z", "grants": grants}
    return _event("rights.terms.published", f"t-{number}", {**said, "acceptance": "continued_use"}) + b"\n"


def _event(type_: str, event_id: str, data: dict[str, object]) -> bytes:
    event = {"specversion": "1.0", "id": event_id, "source": "//bench", "type": type_, "time": "2025-06-01T00:00:00Z"}
    return json.dumps({**event, "data": data}).encode()


def _must(outcome: object) -> None:
    assert isinstance(outcome, Committed), outcome
