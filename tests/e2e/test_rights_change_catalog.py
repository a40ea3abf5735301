"""Rights change on a real catalogue: after every change the rows are what SQL over the raw logs says.

A label withdraws, an agreement runs out, terms are published, a label and an artist opt in, an ISRC that was uploaded
twice is taken down. The SQL (``verdicts.sql``) shares nothing with the program.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from gatekeeper.wiring.gate import GateOptions, gate_worker
from tests.cli.conftest import Desk, event, lines, published
from tests.e2e.sql_oracle import USES, Oracle, Verdicts
from tests.support.candidates import opened
from tests.support.catalogues import FREEMUSICC, needs
from tests.support.running_gate import Silent

pytestmark = pytest.mark.catalog

LABEL_TRACKS_MIN = 500
ANALYTICAL, VOICE = "analytical-training", "voice-replication"


@dataclass
class Changed:
    """The catalogue in a workspace, decided and swept. ``before`` is what SQL said the last time."""

    desk: Desk
    before: Verdicts = field(default_factory=dict)

    def say(self, *events: str) -> None:
        self.desk.ok("rights", "append", "-", stdin=lines(*events))

    def gate(self) -> None:
        """By the clock that stands, as everything here; what it admits is not the sweep's doing."""
        self.before = {}
        with gate_worker(opened(self.desk.root, self.desk.now), GateOptions(drain=True), Silent()) as worker:
            worker.run(None)

    def sweep(self) -> dict[str, Any]:
        """A sweep, and everything held against SQL: the last decisions, the rows, the rows that moved."""
        told: dict[str, Any] = self.desk.ok("sweep", "--json").json
        now = Oracle(self.desk.root, datetime.fromisoformat(self.desk.now)).verdicts
        assert self._last() == now
        moved: dict[str, dict[str, int]] = {}
        for dataset in USES:
            permitted, was = permits(now, dataset), permits(self.before, dataset)
            assert self._rows(dataset) == permitted, dataset
            moved[dataset] = {"entered": len(permitted - was), "left": len(was - permitted)}
        if self.before:
            assert told["rows"] == moved
        self.before = now
        return told

    def _last(self) -> Verdicts:
        """One gate at a time and no event in two partitions: the order of commits is told by the rows."""
        table = DeltaTable(str(self.desk.root / "lake" / "decisions")).to_pyarrow_table()
        by = ("offset", "driver", "rights_position", "decided_at")
        rows = sorted(table.to_pylist(), key=lambda row: tuple(row[name] for name in by))  # gate before sweep
        return {(row["dataset"], row["asset_id"]): (row["verdict"], row["reason"]) for row in rows}

    def _rows(self, dataset: str) -> set[str]:
        table = DeltaTable(str(self.desk.root / "lake" / "datasets" / dataset)).to_pyarrow_table(columns=["asset_id"])
        found = table["asset_id"].to_pylist()
        assert len(set(found)) == len(found), f"{dataset} holds an asset twice"
        return set(found)


def permits(verdicts: Verdicts, dataset: str) -> set[str]:
    return {asset for (name, asset), (verdict, _) in verdicts.items() if (name, verdict) == (dataset, "permit")}


def consent(what: str, party: str, time: str, purposes: Iterable[str]) -> str:
    said = {"speaker": f"party:{party}", "subject": f"party:{party}", "purposes": list(purposes)}
    return event(f"rights.consent.{what}", time, **said)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A workspace with the shipped terms, policy and datasets."""
    made = Desk(tmp_path / "workspace")
    assert made.run("init", made.root, workspace=False).code == 0
    return made


def test_every_change_reaches_the_rows(desk: Desk) -> None:
    """Counted by SQL over the raw logs after each of them; then every decision is made again."""
    needs(FREEMUSICC)
    with gzip.open(FREEMUSICC, "rt", encoding="utf-8") as file:
        tracks = list(csv.DictReader(file))
    labels = Counter(track["label"] for track in tracks)
    large = [label for label, count in labels.most_common() if count >= LABEL_TRACKS_MIN and label != "?"]
    desk.ok("content", "import", FREEMUSICC)
    world = Changed(desk)
    world.gate()
    world.sweep()

    # one label with more than 500 tracks withdraws
    withdraws = large[1]
    permitted = len(permits(world.before, ANALYTICAL))
    world.say(consent("withdrawn", withdraws, desk.now, ["training"]))
    told = world.sweep()
    assert (told["everything"], told["looked_at"]) == (None, labels[withdraws])
    assert told["rows"][ANALYTICAL]["left"] == permitted - len(permits(world.before, ANALYTICAL)) >= LABEL_TRACKS_MIN
    assert told["decided"]["recommendation"] == {}

    # an agreement of another one prohibits, and runs out: no event says so
    signs, ends = large[2], "2025-07-01T00:00:00Z"
    scope = {"agreement_id": "g", "party_id": signs, "scope": {"catalogs": [signs]}, "prohibits": ["service"]}
    world.say(event("rights.agreement.signed", desk.now, **scope, permits=[], valid_from=desk.now, valid_until=ends))
    left = world.sweep()["rows"]["recommendation"]["left"]
    assert left >= LABEL_TRACKS_MIN
    desk.now = ends
    told = world.sweep()
    assert (told["everything"], told["rows"]["recommendation"]) == (None, {"entered": left, "left": 0})

    # new terms are one pass over everything
    desk.now = "2025-07-02T00:00:00Z"
    grants = {"service": "permit", "training.analytical": "opt_in", "training.generative.replication": "opt_in"}
    terms = {"terms_id": "stricter", "effective_from": "2025-07-01T12:00:00Z", "grants": grants}
    world.say(event("rights.terms.published", desk.now, **terms, acceptance="continued_use"))
    told = world.sweep()
    assert (told["everything"], told["looked_at"]) == ("terms were published", len(tracks))
    assert told["rows"][ANALYTICAL]["left"] > len(tracks) / 2

    # a label and one of its artists opt in: back catalogue enters
    desk.now = "2025-07-03T00:00:00Z"
    assert not permits(world.before, VOICE)
    pairs = Counter(
        (t["label"], t["trackartist"]) for t in tracks if t["label"] in large[3:] and t["trackartist"].isascii()
    )
    (label, artist), count = pairs.most_common(1)[0]
    world.say(consent("granted", label, desk.now, [USES[VOICE]]), consent("granted", artist, desk.now, [USES[VOICE]]))
    told = world.sweep()
    assert told["everything"] is None
    assert told["rows"][VOICE]["entered"] >= count > 0

    # an ISRC that was uploaded twice, in two spellings, is taken down
    desk.now = "2025-07-04T00:00:00Z"
    spellings = {"first": "QZ-ES9-25-00001", "again": "qzes92500001"}
    uploads = [published(name, f"of-{name}", desk.now, identifiers={"isrc": isrc}) for name, isrc in spellings.items()]
    desk.ok("content", "append", "-", stdin=lines(*uploads))
    world.gate()
    world.sweep()
    assert spellings.keys() <= permits(world.before, "recommendation")
    claim = {"claim_id": "k", "kind": "takedown", "subject": "isrc:QZES92500001"}
    world.say(event("rights.claim.opened", desk.now, **claim))
    told = world.sweep()
    assert told["everything"] is None
    assert told["decided"]["recommendation"] == {"deny": {"claim.takedown": len(spellings)}}

    assert desk.ok("replay", "--json").json["differ"] == 0
