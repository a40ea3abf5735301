"""The order of a build, numbered: nothing is seen of it before step 5 (design §6).

The bytes are a function of the catalogue and dataset rows, the rights up to the position, policy, declaration, instant,
version and this program: no clock, no host, no random value, and not in which blocks the rows came.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa

from gatekeeper.core import layout
from gatekeeper.core.manifest import MANIFEST, REFUSED, Counts, Manifest, MediaTotals, manifest_bytes, manifest_digest
from gatekeeper.core.manifest import Basis as ManifestBasis
from gatekeeper.core.media import INDEX
from gatekeeper.core.periods import over_time
from gatekeeper.core.snapshot.reasons import PERMIT, REASONS
from gatekeeper.core.times import format_instant
from gatekeeper.errors import Bug
from gatekeeper.stages.build.forgery import Place
from gatekeeper.stages.build.judging import Judged, judge, whole_assets
from gatekeeper.stages.build.months import said_by_month
from gatekeeper.stages.build.proving import index_lines, proven, without_unproven
from gatekeeper.stages.build.values import PLANTED, Basis, Built, Hands, Tally, Wanted

_LAYER_OF = {reason: layer for layer, reason, verdict in REASONS if verdict == PERMIT}
_LINES_TOGETHER = 20_000


def build(wanted: Wanted, basis: Basis, hands: Hands) -> Built:
    """The candidate, in its folder. Raises ``Unavailable``, ``OSError``, and ``BadInput`` where it is there already."""
    tally = Tally()
    # 1 every row decided again: the permitted into the parts, the others aside
    hands.step("build.rows")
    _decide_rows(wanted, basis, hands, tally)
    # 2 which of the refused rows were never decided so, 3 all of them written down
    hands.step("build.refused")
    places = hands.forged(hands.suspects.read())
    for rows in hands.refused.read():
        _write_refused(rows, places, hands, tally)
    # 4 what it is made of, which is what an approval is bound to
    hands.step("build.manifest")
    manifest = _manifest(wanted, basis, hands, tally)
    hands.folder.write(MANIFEST, manifest_bytes(manifest))
    hands.folder.drop_spill()
    # 5 it appears, whole
    hands.step("build.appear")
    hands.folder.appear()
    hands.step("build.appeared")
    refused = dict(sorted(tally.refused.items()))
    return Built(manifest.name, manifest.rows, refused, tally.forged, manifest_digest(manifest), hands.folder.final)


def _decide_rows(wanted: Wanted, basis: Basis, hands: Hands, tally: Tally) -> None:
    done = 0
    hands.told("joining with the catalogue", done, basis.rows_total)
    for rows in whole_assets(hands.joined):
        judged = judge(rows, wanted, hands.decide)
        if judged.sources is not None:
            judged = _with_media(judged, judged.sources, hands, tally)
        hands.parts.add(judged.rows)
        hands.refused.add(judged.refused)
        hands.suspects.add(judged.suspects)
        _count(tally, tally.permitted, judged.rows["reason"])
        _count(tally, tally.refused, judged.refused["reason"])
        for said, count in said_by_month(rows, judged).items():
            tally.months[said] = tally.months.get(said, 0) + count
        done += rows.num_rows
        hands.told("deciding", done, basis.rows_total)
    hands.parts.close()
    if done < basis.rows_total:
        raise Bug(f"{done} rows were decided, the dataset table has {basis.rows_total}")


def _with_media(judged: Judged, sources: pa.Table, hands: Hands, tally: Tally) -> Judged:
    """Without the rows whose media object is not there or not what its event says; the others into the index."""
    found = proven(sources, hands.media, lambda done: hands.told("hashing media", done, sources.num_rows))
    hands.folder.append(INDEX, index_lines(sources, found))
    there = [proof.bytes for proof in found if proof.reason is None]
    tally.media_rows += len(there)
    tally.media_bytes += sum(there)
    return without_unproven(judged, found)


def _count(tally: Tally, into: dict[str, int], reasons: pa.ChunkedArray) -> None:
    counted = reasons.combine_chunks().value_counts()
    tally.count(into, counted.field("values").to_pylist(), counted.field("counts").to_pylist())


def _write_refused(rows: pa.Table, places: frozenset[Place], hands: Hands, tally: Tally) -> None:
    for block in _slices(rows):
        documents = block.to_pylist()
        for row in documents:
            place = (row["asset_id"], row["partition"], row["offset"])
            row["forged"] = row["reason"] in PLANTED or place in places
            tally.forged += row["forged"]
        lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in documents)
        hands.folder.append(REFUSED, lines)


def _slices(rows: pa.Table) -> Iterator[pa.Table]:
    return (rows.slice(start, _LINES_TOGETHER) for start in range(0, rows.num_rows, _LINES_TOGETHER))


def _manifest(wanted: Wanted, basis: Basis, hands: Hands, tally: Tally) -> Manifest:
    hands.told("digests", basis.rows_total, basis.rows_total)
    hands.folder.append(REFUSED, b"")
    totals = None
    if wanted.copies_media:
        hands.folder.append(INDEX, b"")
        totals = MediaTotals(INDEX, tally.media_rows, tally.media_bytes)
    declaration, moment = wanted.declaration, basis.moment
    files = [hands.folder.entry(hands.part_name(number), rows) for number, rows in enumerate(hands.parts.rows)]
    by_layer: dict[str, int] = {}
    for reason, count in tally.permitted.items():
        by_layer[_LAYER_OF[reason]] = by_layer.get(_LAYER_OF[reason], 0) + count
    return Manifest(
        build=layout.build_name(declaration.name, wanted.version),
        dataset=declaration.name,
        version=wanted.version,
        declaration=declaration.document,
        declaration_digest=declaration.digest,
        purpose=declaration.use.purpose,
        territories=tuple(sorted(declaration.use.territories)),
        model=declaration.use.model,
        basis=ManifestBasis(
            moment.position, wanted.policy.digest, format_instant(moment.instant_us), basis.terms, basis.tables
        ),
        rows=sum(hands.parts.rows),
        schema={field.name: str(field.type) for field in wanted.part_schema},
        files=(*files, *([hands.folder.entry(INDEX)] if totals else []), hands.folder.entry(REFUSED)),
        counts=Counts(tally.permitted, by_layer, tally.refused),
        tool=wanted.tool,
        media=totals,
        over_time=over_time(tally.months),
    )
