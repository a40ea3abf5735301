"""Rows: decisions per second against OPA and Cedar in batches, on one rights state, verdict and reason checked."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gatekeeper.core.kernel import Decided, decide
from gatekeeper.core.kernel.content import named
from gatekeeper.core.kernel.content_says import licences_say
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.reasons import BY_RIGHTS, CODE_BITS, CODES, NOTHING, REASONS, VERDICTS
from gatekeeper.core.snapshot.rows import KIND_OF
from gatekeeper.core.snapshot.scopes import Scope, reaches
from tests.bench import bench_kernel
from tests.bench.duckdb_side import KINDS, statements_of
from tests.bench.gate_oracle import Void
from tests.bench.peers import ENGINES, Missing, installed, opa, output, python_with
from tests.bench.rows import Row, median, skipped
from tests.core.comparing import world_policy

SUBJECTS, ASSETS = 100_000, 2_000
WHAT = "decisions in batches"
SILENT = NOTHING >> CODE_BITS
_NTH, _PLACE = 1 << 12, 1 << 24
_LAYERS = ("claim", "agreement", "wishes", "licence", "terms")
World = dict[str, Any]


def policy_engine_rows(runs: int, folder: Path, say: Callable[[str], None]) -> Iterator[Row]:
    rng = np.random.default_rng(bench_kernel.SEED)
    snapshot = bench_kernel.synthetic_snapshot(SUBJECTS, world_policy(), rng)
    batch = bench_kernel.catalogue(ASSETS, SUBJECTS, rng)
    kernel_s = [_seconds(lambda: decide(batch, snapshot)) for _ in range(runs + 1)][1:]
    answers = decide(batch, snapshot)
    world, assets = _world(snapshot, batch), _assets(batch)
    say("facts for OPA and Cedar are gathered")
    for name, engine in (("OPA", _opa), ("Cedar", _cedar)):
        try:
            told, engine_s = engine(folder, world, assets, answers, runs)
        except Missing as why:
            yield skipped(WHAT, name, str(why))
            continue
        count = ASSETS * len(snapshot.uses)
        yield Row(
            what=WHAT,
            ours=f"{count / median(kernel_s):,.0f} decisions/s",
            against=told,
            theirs=f"{count / median(engine_s):,.0f} decisions/s",
            ratio=median(engine_s) / median(kernel_s),
            target="≥ 5 × OPA",
            sizes=f"{SUBJECTS:,} subjects, batches of {ASSETS:,} assets with 3 interests, 3 uses, {runs} runs",
            detail={"kernel_s": kernel_s, "engine_s": engine_s},
        )


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _world(snapshot: Snapshot, batch: pa.RecordBatch) -> World:
    """Statements by subject; a finding without its position: layer, tier and reason in one small integer."""
    uses = range(len(snapshot.distinct_uses))
    said: dict[str, Any] = {}
    accepted: dict[str, bool] = {}
    for kind in KINDS:
        for row in statements_of(snapshot, snapshot.levels[0], kind).to_pylist():
            findings = [SILENT if row[f"f{u}"] is None else row[f"f{u}"] >> CODE_BITS for u in uses]
            by = -1 if row["speaker"] is None or kind == "account" else row["speaker"]
            name = f"{kind}:{row['key']}"
            before = said.get(name, {"f": findings})["f"]
            said[name] = {"by": by, "f": [min(pair) for pair in zip(before, findings, strict=True)]}
            accepted |= {name: True} if row["accepted"] else {}
    licences, terms = named(batch.column("licence")), snapshot.terms_in_force()
    found = licences_say(licences, snapshot) >> CODE_BITS
    tag = int(snapshot.ranks[KIND_OF["asset"]][CODES["wishes", "reservation.no_ai_tag"]] & ~BY_RIGHTS) >> CODE_BITS
    scope = Scope(tuple(snapshot.policy.reservations["no_ai_tag"]), is_yes=False)
    touched = [reaches(scope, use, snapshot.policy.purposes) for use in snapshot.distinct_uses]
    by_terms = terms.findings >> CODE_BITS
    return {
        "s": said,
        "accepted": accepted,
        "licence": {str(name): found[:, i].tolist() for i, name in enumerate(licences.names.to_pylist())} | {
            "None": [SILENT for _ in uses]
        },
        "tag": [tag if is_touched else SILENT for is_touched in touched],
        "terms": {
            "accepted": by_terms[:, terms.places[1]].tolist(),
            "default": by_terms[:, terms.by_default].tolist(),
        },
        "nothing": SILENT,
        "place": snapshot.order.tolist(),
    }  # fmt: skip


def _assets(batch: pa.RecordBatch) -> list[World]:
    return [
        {
            "subjects": [
                f"asset:{row['asset_id']}", f"isrc:{row['identifiers']['isrc']}", f"account:{row['account_id']}",
                f"sha256:{row['identifiers']['content_sha256']}", *(f"catalog:{name}" for name in row["catalogs"]),
            ],
            "parties": [f"party:{interest['party_id']}" for interest in row["interests"]],
            "account": f"account:{row['account_id']}",
            "licence": str(row["licence"]),
            "tagged": bool(row["tags"]),
        }
        for row in batch.to_pylist()
    ]  # fmt: skip


def _opa(
    folder: Path, world: World, assets: list[World], answers: dict[str, Decided], runs: int
) -> tuple[str, list[float]]:
    program = opa(folder)
    with tempfile.TemporaryDirectory() as scratch:
        data, asked = Path(scratch) / "data.json", Path(scratch) / "input.json"
        data.write_text(json.dumps(world))
        asked.write_text(json.dumps({"assets": assets}))
        given: list[str | Path] = ["-d", data, "-d", ENGINES / "gate.rego", "-i", asked, "data.gate.keys"]
        found = json.loads(output([program, "eval", "--format", "json", *given]))
        keys = np.array(found["result"][0]["expressions"][0]["value"], np.int64)
        _check([[REASONS[key % _NTH % 64][1] for key in of_use] for of_use in keys.T.tolist()], answers, "reason")
        told = [json.loads(output([program, "bench", "--format", "json", *given])) for _ in range(runs)]
    version = output([program, "version"]).splitlines()[0].partition(":")[2].strip()
    return f"OPA {version} (opa bench), same verdicts and reasons", [t["T"] / t["N"] / 1e9 for t in told]


def _cedar(
    folder: Path, world: World, assets: list[World], answers: dict[str, Decided], runs: int
) -> tuple[str, list[float]]:
    python = python_with(folder, ["cedarpy"])
    contexts = [_context(world, asset, u) for u in range(len(answers)) for asset in assets]
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "contexts.json"
        asked.write_text(json.dumps(contexts))
        told = [json.loads(output([python, ENGINES / "cedar_engine.py", asked])) for _ in range(runs)]
    permits = ["permit" if allowed else "no" for allowed in told[0]["allowed"]]
    count = len(assets)
    _check([permits[u * count : (u + 1) * count] for u in range(len(answers))], answers, "verdict")
    name = f"cedarpy {installed(python, 'cedarpy')} batch, facts gathered for it beforehand, permit or not"
    return name, [t["seconds"] for t in told]


def _context(world: World, asset: World, u: int) -> World:
    """For each interest: what each layer that speaks says, as Cedar is to weigh it."""
    said = world["s"]
    about = [said[k] for k in asset["subjects"] if k in said]
    terms = "accepted" if asset["account"] in world["accepted"] else "default"
    shared = [s["f"][u] for s in about if s["by"] == -1] + [
        world["licence"][asset["licence"]][u],
        world["terms"][terms][u],
    ]
    shared += [world["tag"][u]] if asset["tagged"] else []
    context = {}
    for nth, party in enumerate(asset["parties"]):
        mine = [] if party not in said else [said[party], *(s for s in about if s["by"] == said[party]["by"])]
        speaking: dict[str, int] = {}
        for finding in shared + [s["f"][u] for s in mine]:
            if finding != SILENT:
                layer = _LAYERS[finding >> 9] + (str(finding >> 6 & 7) if _LAYERS[finding >> 9] == "wishes" else "")
                speaking[layer] = min(finding, speaking.get(layer, finding))
        context[f"s{nth}"] = {layer: VERDICTS[REASONS[finding % 64][2]] for layer, finding in speaking.items()}
    return context


def _check(found: list[list[str]], answers: dict[str, Decided], column: str) -> None:
    for theirs, (name, ours) in zip(found, answers.items(), strict=True):
        told = getattr(ours, column).cast(pa.string()).to_pylist()
        expected = told if column == "reason" else ["permit" if t == "permit" else "no" for t in told]
        if theirs != expected:
            wrong = [(i, *pair) for i, pair in enumerate(zip(expected, theirs, strict=True)) if pair[0] != pair[1]]
            raise Void(f"{name}: {len(wrong)} answers differ, such as {wrong[:3]}")
