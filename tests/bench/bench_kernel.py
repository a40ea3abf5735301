"""Decisions per second of the columnar kernel: strings in, verdict and evidence columns out (design §9).

A rights state of so many subjects is laid out directly as statement columns (events are measured apart), a catalogue of
distinct assets with three interests each is decided for three uses, at least half of the look-ups hit, every layer is
used. ``measure`` returns numbers; printing them beside their rivals is the business of ``make bench``.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.kernel import decide
from gatekeeper.core.policy import Policy
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.build import level_of
from gatekeeper.core.snapshot.keys import SLOT_WORDS, STABLE_HASH, KeyStore, hashes_of, stored_keys
from gatekeeper.core.snapshot.level import Level
from gatekeeper.core.snapshot.reasons import CODE_ACCEPTED, CODES
from gatekeeper.core.snapshot.rows import KIND_OF, NOBODY, Columns
from gatekeeper.core.snapshot.scopes import Scope
from gatekeeper.core.snapshot.speaking import refresh
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use
from gatekeeper.edges.snapshots import open_snapshot, save_snapshot
from tests.core.comparing import ROW_SCHEMA, world_policy

USES = {
    "recommendation": Use("service.recommendation"),
    "analytical-training": Use("training.analytical", frozenset({"DE"})),
    "voice-replication": Use("training.generative.replication", frozenset(), "voice-1"),
}
NOW_US = 1_750_000_000_000_000
YEAR_US = 31_557_600_000_000
SEED = 20_250_514

SHARES = {"asset": 0.35, "isrc": 0.35, "sha256": 0.10, "party": 0.10, "account": 0.0999, "catalog": 0.0001}
"""How the subjects of the rights state are distributed."""
KNOWN = {"asset": 0.45, "isrc": 0.55, "sha256": 0.20, "party": 0.70, "account": 0.70, "catalog": 0.90}
"""How likely the rights state knows a subject that the catalogue names."""

_SAYS: dict[str, list[tuple[float, str, str, bool]]] = {
    "asset": [
        (0.30, "wishes", "consent.opt_in", True),
        (0.15, "wishes", "consent.withdrawn", True),
        (0.35, "wishes", "reservation.no_ai_tag", False),
        (0.20, "claim", "claim.deletion", False),
    ],
    "isrc": [
        (0.45, "agreement", "agreement.permit", True),
        (0.20, "agreement", "agreement.prohibit", True),
        (0.20, "wishes", "evidence.unsupported", False),
        (0.15, "claim", "claim.takedown", False),
    ],
    "sha256": [(1.0, "claim", "claim.takedown", False)],
    "catalog": [(0.7, "agreement", "agreement.permit", True), (0.3, "agreement", "agreement.prohibit", True)],
    "party": [
        (0.5, "wishes", "consent.opt_in", False),
        (0.2, "wishes", "consent.withdrawn", False),
        (0.3, "agreement", "agreement.permit", False),
    ],
    "account": [
        (0.7, "terms", "accepted", False),
        (0.2, "wishes", "consent.withdrawn", False),
        (0.1, "claim", "claim.account_control", False),
    ],
}


def measure(
    subjects: int = 10_000_000, rows: int = 400_000, runs: int = 5, policy: Policy | None = None
) -> dict[str, Any]:
    """Decisions/s (one core), bytes per subject, seconds to build, save, map and advance; medians of ``runs``."""
    policy = policy or world_policy()
    rng = np.random.default_rng(SEED)
    started = time.perf_counter()
    snapshot = synthetic_snapshot(subjects, policy, rng)
    built_s = time.perf_counter() - started
    batch = catalogue(rows, subjects, rng)
    hits = _hit_share(batch, snapshot)
    seconds, reasons = _timed(batch, snapshot, runs)
    return {
        "subjects": subjects,
        "rows": rows,
        "uses": len(USES),
        "decisions_per_s": round(rows * len(USES) / statistics.median(seconds)),
        "decisions_per_s_best": round(rows * len(USES) / min(seconds)),
        "hit_share": round(hits, 3),
        "hot_bytes_per_subject": round(hot_bytes(snapshot.levels[0]) / subjects, 2),
        "build_s": round(built_s, 2),
        "reasons": dict(reasons.most_common()),
        **_file_numbers(snapshot, policy),
        **_advance_numbers(snapshot, subjects),
        "rss_max_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def hot_bytes(level: Level) -> int:
    """Bytes of the arrays that a look-up touches; full keys are counted apart."""
    return sum(getattr(level, name).nbytes for name in Level.HOT) - level.key_at.nbytes


def synthetic_snapshot(subjects: int, policy: Policy, rng: np.random.Generator) -> Snapshot:
    """A rights state in which each of ``subjects`` subjects has one statement."""
    snapshot = Snapshot(policy, USES, NOW_US, SEED, STABLE_HASH)
    grants = {"service": "permit", "training.analytical": "permit", "training.generative": "unclear"}
    snapshot.intake.terms.publish("t0", 0, "continued_use", grants, 0)
    snapshot.intake.terms.publish("t1", 1, "explicit", {**grants, "training.generative.replication": "opt_in"}, 1)
    snapshot.intake.next_speaker = subjects
    counts = {kind: round(subjects * share) for kind, share in SHARES.items()}
    parts = [_rows(snapshot, kind, counts, rng) for kind in KIND_OF]
    columns = _stacked(parts, rng)
    snapshot.levels = [level_of(columns, snapshot._reached(), snapshot.limits.speakers_in_chain_max)]
    refresh(snapshot.levels[0], snapshot._reached(), NOW_US)
    snapshot.position = subjects + 10
    return snapshot


def _rows(snapshot: Snapshot, kind: str, counts: dict[str, int], rng: np.random.Generator) -> dict[str, Any]:
    count = counts[kind]
    says = _SAYS[kind]
    pick = rng.choice(len(says), count, p=[share for share, *_ in says])
    codes = np.array([CODE_ACCEPTED if r == "accepted" else CODES[layer, r] for _, layer, r, _ in says], np.uint8)
    spoken = np.array([bound for *_, bound in says])[pick]
    if kind in {"party", "account"}:
        speaker = np.arange(count) + (counts["party"] if kind == "account" else 0)
    else:
        speaker = np.where(spoken, rng.integers(0, max(1, counts["party"]), count), NOBODY)
    return {
        "kind": np.full(count, KIND_OF[kind], np.uint8),
        "code": codes[pick],
        "speaker": speaker.astype(np.uint32),
        "scope": _scopes(snapshot, codes, pick, rng),
        "accepted": codes[pick] == CODE_ACCEPTED,
        "strings": keys(kind, np.arange(count)),
    }


def _scopes(
    snapshot: Snapshot, codes: npt.NDArray[np.uint8], pick: npt.NDArray[np.int64], rng: np.random.Generator
) -> Any:
    """Each statement's scope: one of a few combinations of purposes, territories and models."""
    variants = []
    for code in codes.tolist():
        is_yes = code in {CODES["wishes", "consent.opt_in"], CODES["agreement", "agreement.permit"]}
        wide = ("service", "training", "training.generative.replication")
        made = [
            Scope(wide, is_yes),
            Scope(("training",), is_yes),
            Scope(wide, is_yes, frozenset({"DE"})),
            Scope(wide, is_yes, frozenset(), frozenset({"voice-1"})),
        ]
        variants.append([0] * 4 if code == CODE_ACCEPTED else [snapshot.intake.scope(scope) for scope in made])
    return np.array(variants, np.uint32)[pick, rng.integers(0, 4, len(pick))]


def _stacked(parts: list[dict[str, Any]], rng: np.random.Generator) -> Columns:
    column = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("kind", "code", "speaker", "scope", "accepted")
    }
    total = len(column["kind"])
    from_us = rng.integers(NOW_US - 3 * YEAR_US, NOW_US + YEAR_US // 8, total)
    until_us = np.where(rng.random(total) < 0.1, from_us + YEAR_US, ALWAYS_US)
    stores, key_at, blobs = [], [], 0
    for part in parts:
        store, at = stored_keys(part["strings"])
        stores.append(store.blob)
        key_at.append(at + blobs)
        blobs += len(store.blob) // SLOT_WORDS
    return Columns(
        kind=column["kind"],
        code=column["code"],
        speaker=column["speaker"],
        position=np.where(column["accepted"], 1, rng.permutation(total) + 2),
        scope=column["scope"],
        from_us=from_us,
        until_us=until_us,
        ref_high=rng.integers(1, 2**62, total).astype(np.uint64),
        ref_low=rng.integers(1, 2**62, total).astype(np.uint64),
        hash=np.concatenate([hashes_of(part["strings"], STABLE_HASH, SEED) for part in parts]),
        key_at=np.concatenate(key_at),
        keys=KeyStore(np.concatenate(stores)),
    )


def keys(kind: str, numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Ids of the lengths that real ones have: 15 to 22 characters, ISRC 12, SHA-256 64."""
    text = pa.array(numbers).cast(pa.string())
    if kind == "isrc":
        return pc.binary_join_element_wise("NLA1", pc.ascii_lpad(text, width=8, padding="0"), "")
    if kind == "sha256":
        return pc.ascii_lpad(pc.binary_join_element_wise(text, "ab", ""), width=64, padding="f")
    if kind == "asset":
        return pc.binary_join_element_wise("recording-", pc.ascii_lpad(text, width=10, padding="0"), "")
    return pc.binary_join_element_wise(kind, text, "-00")


def catalogue(rows: int, subjects: int, rng: np.random.Generator) -> pa.RecordBatch:
    """Distinct assets with three interests, one catalogue and every identifier each."""
    counts = {kind: round(subjects * share) for kind, share in SHARES.items()}

    def some(kind: str, count: int, *, distinct: bool = False) -> pa.Array:
        known = rng.random(count) < KNOWN[kind]
        pool = max(1, counts[kind])
        picked = rng.permutation(pool)[:count] if distinct and pool >= count else rng.integers(0, pool, count)
        return keys(kind, np.where(known, picked, picked + pool))

    roles = pa.array(["recording", "composition", "performance"] * rows)
    interests = pa.StructArray.from_arrays([some("party", rows * 3), roles], ["party_id", "role"])
    identifiers = pa.StructArray.from_arrays(
        [some("isrc", rows), pa.nulls(rows, pa.string()), some("sha256", rows)], ["isrc", "iswc", "content_sha256"]
    )
    licence = pa.array(["CC0-1.0", None, "CC-BY-4.0", None])
    tagged = (rng.random(rows) < 0.05).astype(np.int32)
    given = {
        "asset_id": some("asset", rows, distinct=True),
        "account_id": some("account", rows),
        "interests": pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * 3), interests),
        "identifiers": identifiers,
        "catalogs": pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32)), some("catalog", rows)),
        "licence": licence.take(pa.array(rng.integers(0, 4, rows))),
        "tags": pa.ListArray.from_arrays(
            pa.array(np.append(0, np.cumsum(tagged)).astype(np.int32)),
            pa.array(["no-ai"] * int(tagged.sum()), pa.string()),
        ),
        "partition": pa.array(np.zeros(rows, np.int32)),
        "offset": pa.array(np.arange(rows)),
        "conflicting": pa.array(np.zeros(rows, np.bool_)),
    }
    return pa.RecordBatch.from_arrays(
        [given[field.name] if field.name in given else pa.nulls(rows, field.type) for field in ROW_SCHEMA],
        schema=ROW_SCHEMA,
    )


def _timed(batch: pa.RecordBatch, snapshot: Snapshot, runs: int) -> tuple[list[float], Counter[str]]:
    reasons: Counter[str] = Counter()
    seconds = []
    for run in range(runs + 1):
        started = time.process_time()
        decided = decide(batch, snapshot)
        if run:
            seconds.append(time.process_time() - started)
    for answers in decided.values():
        counts = pc.value_counts(answers.reason.dictionary_decode())
        reasons.update({c["values"]: c["counts"] for c in counts.to_pylist()})
    return seconds, reasons


def _hit_share(batch: pa.RecordBatch, snapshot: Snapshot) -> float:
    from gatekeeper.core.kernel.content import read_content
    from gatekeeper.core.kernel.lookups import heads

    content = read_content(batch.slice(0, 50_000))
    asked = {
        "asset": content.assets.strings,
        "isrc": content.isrcs.strings,
        "sha256": content.hashes.strings,
        "catalog": content.catalogs.names.take(pa.array(content.catalogs.which)),
        "party": content.parties.take(pa.array(content.party)),
        "account": content.accounts.names.take(pa.array(content.accounts.which)),
    }
    found = (heads(snapshot, snapshot.levels, KIND_OF[kind], strings) for kind, strings in asked.items())
    hits = sum(len(located.rows) for of_kind in found for _, located in of_kind)
    return hits / sum(map(len, asked.values()))


def _file_numbers(snapshot: Snapshot, policy: Policy) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "snapshot"
        started = time.perf_counter()
        save_snapshot(snapshot, folder)
        saved_s = time.perf_counter() - started
        started = time.perf_counter()
        opened = open_snapshot(folder, policy, USES)
        opened_s = time.perf_counter() - started
        size = sum(path.stat().st_size for path in folder.iterdir())
        del opened
    return {"save_s": round(saved_s, 2), "open_ms": round(opened_s * 1000, 2), "file_mib": size // 2**20}


def _advance_numbers(snapshot: Snapshot, subjects: int, events: int = 400) -> dict[str, Any]:
    """One event at a time, each followed by what the next batch would read."""
    applied, visible = [], []
    for number in range(events):
        event = _event(snapshot.position, number, subjects)
        started = time.perf_counter()
        snapshot.advance([event], snapshot.position + 1)
        snapshot.at(snapshot.instant_us + 1)
        applied.append(time.perf_counter() - started)
        snapshot.tables()
        visible.append(time.perf_counter() - started)
    started = time.perf_counter()
    many = [_event(snapshot.position + i, events + i, subjects) for i in range(20_000)]
    made_s = time.perf_counter() - started
    started = time.perf_counter()
    snapshot.advance(many, snapshot.position + len(many))
    bulk_s = time.perf_counter() - started
    return {
        "advance_us_median": round(statistics.median(applied) * 1e6),
        "advance_us_p99": round(sorted(applied)[int(events * 0.99)] * 1e6),
        "visible_us_median": round(statistics.median(visible) * 1e6),
        "visible_us_p99": round(sorted(visible)[int(events * 0.99)] * 1e6),
        "advance_bulk_events_per_s": round(len(many) / bulk_s),
        "bench_event_us": round(made_s / len(many) * 1e6),
    }


def _event(position: int, number: int, subjects: int) -> RightsEvent:
    """Withdrawals by known parties on known recordings, and claims."""
    asset = (number * 7919) % round(subjects * SHARES["asset"])
    subject = f"asset:recording-{asset:010d}"
    if number % 3 == 0:
        data: dict[str, Any] = {"claim_id": f"c{number}", "kind": "takedown", "subject": subject}
        return RightsEvent(position, "rights.claim.opened", NOW_US, "//bench", f"e{position}", data)
    party = f"party:party{number % round(subjects * SHARES['party'])}-00"
    data = {
        "speaker": party,
        "subject": subject,
        "purposes": ("training",),
        "territories": frozenset(),
        "models": frozenset(),
        "from_us": NOW_US,
        "until_us": ALWAYS_US,
    }
    return RightsEvent(position, "rights.consent.withdrawn", NOW_US, "//bench", f"e{position}", data)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(*map(int, sys.argv[1:])), indent=2) + "\n")
