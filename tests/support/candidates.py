"""Candidates made from a real workspace by the agreed format, without the builder: what publication is tested on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.asset import asset_of
from gatekeeper.core.decision import decide
from gatekeeper.core.manifest import Basis, Counts, FileEntry, Manifest, manifest_bytes, manifest_digest
from gatekeeper.core.quality import Met, Results, results_bytes
from gatekeeper.core.rights import state_of
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS
from gatekeeper.core.times import format_instant, parse_instant
from gatekeeper.stages.decide import named
from gatekeeper.wiring import OpenWorkspace, open_workspace

PLACE = ("partition", "offset")


def opened(root: Path, now: str) -> OpenWorkspace:
    return open_workspace(root, root, lambda: parse_instant(now))


class Candidate:
    """Built on what the workspace's catalogue and rights log hold at ``now``; ``assets`` are all its permitted ones
    unless named. ``planted`` rows go in as they are, whoever permits them.
    """

    def __init__(
        self,
        root: Path,
        dataset: str,
        version: str,
        now: str,
        *,
        assets: Iterable[str] | None = None,
        planted: Iterable[dict[str, Any]] = (),
        rows_per_file: int = 2,
    ) -> None:
        self.name, self.folder = f"{dataset}@{version}", root / "builds" / dataset / version
        workspace = opened(root, now)
        rules = workspace.rules()
        declaration, rights = named(rules, dataset), workspace.rights(rules.policy)
        instant = max(parse_instant(now), rights.register.restricted_us)
        state = state_of(rights.events, rights.position)
        catalog = workspace.table("catalog")
        assert catalog is not None
        latest = {row["asset_id"]: row for row in catalog.scan().sort_by("offset").to_pylist()}
        rows, refused = [], []
        for row in latest.values():
            said = decide(asset_of(row), declaration.use, state, rules.policy, instant)
            spoken = {"reason": said.reason, "evidence": said.evidence}
            wanted = assets is None or row["asset_id"] in set(assets)
            if str(said.verdict) == "permit" and row["type"] != "content.removed" and wanted:
                rows.append(row | spoken)
            else:
                place = {name: row[name] for name in ("asset_id", *PLACE)}
                why = {"verdict": str(said.verdict), "holder": said.holder, "forged": False}
                refused.append(place | why | spoken | ({} if wanted else {"reason": "not_selected"}))
        rows = sorted([*rows, *planted], key=lambda row: row["asset_id"].encode())
        chosen = {"asset_id", *(declaration.document.get("columns") or (field.name for field in DATA_FIELDS))}
        fields = [field for field in DATA_FIELDS if field.name in chosen]
        fields += [CONTENT_SCHEMA.field(name) for name in PLACE]
        fields += [pa.field(name, pa.string()) for name in ("reason", "evidence")]
        schema = pa.schema(fields)
        (self.folder / "data").mkdir(parents=True)
        files = []
        for number, at in enumerate(range(0, len(rows), rows_per_file)):
            table = pa.Table.from_pylist(rows[at : at + rows_per_file], schema)
            files.append(self._part(f"data/part-{number:05d}.parquet", table))
        lines = "".join(json.dumps(line, sort_keys=True) + "\n" for line in refused)
        (self.folder / "refused.jsonl").write_text(lines)
        files.append(self._entry("refused.jsonl", None))
        reasons = Counter(row["reason"] for row in rows)
        self.manifest = Manifest(
            build=self.name,
            dataset=dataset,
            version=version,
            declaration=dict(declaration.document),
            declaration_digest=declaration.digest,
            purpose=declaration.use.purpose,
            territories=tuple(sorted(declaration.use.territories)),
            model=declaration.use.model,
            basis=Basis(
                rights.position, rules.policy.digest, format_instant(instant), None, {"catalog": catalog.version}
            ),
            rows=len(rows),
            schema={field.name: str(field.type) for field in schema},
            files=tuple(files),
            counts=Counts(dict(reasons), {}, dict(Counter(line["reason"] for line in refused))),
            tool="test",
        )
        (self.folder / "manifest.json").write_bytes(manifest_bytes(self.manifest))
        self.digest = manifest_digest(self.manifest)

    def _part(self, name: str, table: pa.Table) -> FileEntry:
        pq.write_table(table, self.folder / name, compression="zstd")
        return self._entry(name, table.num_rows)

    def _entry(self, name: str, rows: int | None) -> FileEntry:
        data = (self.folder / name).read_bytes()
        return FileEntry(name, hashlib.sha256(data).hexdigest(), len(data), rows)

    def check(self, *, passed: bool = True, digest: str | None = None, at: str = "2025-06-20T12:00:00Z") -> Candidate:
        """As ``gatekeeper check`` would have found it."""
        what, do = "every row is permitted", "build again"
        met = (Met(name="permits", passed=passed, severity="critical", what=what, do=do, looked_at=1),)
        position, policy = self.manifest.basis.rights_position, self.manifest.basis.policy
        results = Results(self.name, digest or self.digest, at, position, policy, met, {"test": "1"})
        (self.folder / "quality" / "docs").mkdir(parents=True, exist_ok=True)
        (self.folder / "quality" / "results.json").write_bytes(results_bytes(results))
        (self.folder / "quality" / "docs" / "index.html").write_text(f"<p>{at}</p>")
        return self
