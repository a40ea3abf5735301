"""Rows beside their catalogue events → which enter the candidate and which are refused, each with its reason.

Rules of this file: the catalogue's event is what is decided, never the row; a row that is not its asset's latest event,
or one of several for its asset, is refused whatever the kernel says; ``where`` is asked last, of permitted rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.media import copied
from gatekeeper.stages.build.proving import sources_of
from gatekeeper.stages.build.values import (
    DUPLICATE,
    NOT_SELECTED,
    PLANTED,
    REFUSED_SCHEMA,
    SUSPECT_SCHEMA,
    Wanted,
)

Flags = npt.NDArray[np.bool_]
_VERDICT = ("verdict", "reason", "holder", "evidence")


@dataclass(frozen=True)
class Judged:
    """``rows`` enter the parts; ``refused`` do not; ``suspects`` are the refused whose decision on record is looked
    at. ``sources`` says of each of the rows where its media object is and what it must hash to; None where the release
    will hold none.
    """

    rows: pa.Table
    refused: pa.Table
    suspects: pa.Table
    sources: pa.Table | None = None


def whole_assets(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Rows by ``row_asset_id`` → the same in tables that no asset spans."""
    held: list[pa.Table] = []
    for table in tables:
        if table.num_rows == 0:
            continue
        ids = table["row_asset_id"]
        begin = pc.index(ids, ids[-1]).as_py()
        if begin or (held and held[-1]["row_asset_id"][-1] != ids[0]):
            yield pa.concat_tables([*held, table.slice(0, begin)])
            held = []
        held.append(table.slice(begin))
    if held:
        yield pa.concat_tables(held)


def judge(rows: pa.Table, wanted: Wanted, decide: Callable[[pa.Table], pa.RecordBatch]) -> Judged:
    """``rows``: whole assets, in order. ``decide`` is the kernel for this dataset, at the build's moment."""
    problem = _problems(rows)
    has_problem = problem.is_valid().to_numpy(zero_copy_only=False)
    planted = pc.fill_null(pc.is_in(problem, value_set=pa.array(PLANTED)), False).to_numpy(zero_copy_only=False)
    sound = rows.filter(pa.array(~has_problem)).combine_chunks()
    said = _said(decide(sound.select(SUSPECT_SCHEMA.names)))
    permitted = pc.equal(said["verdict"], "permit").to_numpy()
    selected = wanted.selection.matches(sound)
    enter = pa.array(permitted & selected)
    sources = sources_of(sound.filter(enter)) if wanted.copies_media else None
    out = (copied(sound) if wanted.copies_media else sound).select([*wanted.data_columns, "partition", "offset"])
    for name in ("reason", "evidence"):
        out = out.append_column(name, said[name])
    left_out = permitted & ~selected
    said = said.set_column(1, "reason", pc.if_else(pa.array(left_out), NOT_SELECTED, said["reason"]))
    refused = pa.concat_tables(
        [
            _refused(rows.filter(pa.array(has_problem)), _problem_said(problem.filter(pa.array(has_problem)))),
            _refused(sound.filter(pc.invert(enter)), said.filter(pc.invert(enter))),
        ]
    ).sort_by([("asset_id", "ascending"), ("partition", "ascending"), ("offset", "ascending")])
    suspects = [rows.filter(pa.array(has_problem & ~planted)), sound.filter(pa.array(~permitted))]
    return Judged(
        out.filter(enter).cast(wanted.part_schema),
        refused,
        pa.concat_tables([table.select(SUSPECT_SCHEMA.names) for table in suspects]),
        sources,
    )


def _problems(rows: pa.Table) -> pa.Array:
    """What the join found, and rows that share an asset with another one that is sound otherwise."""
    problem = rows["problem"].combine_chunks()
    sound = problem.is_null()
    ids = rows["row_asset_id"].filter(sound).combine_chunks()
    same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    several = np.zeros(rows.num_rows, np.bool_)
    several[np.flatnonzero(sound.to_numpy(zero_copy_only=False))] = np.append(same, False) | np.append(False, same)
    return pc.if_else(pa.array(several), DUPLICATE, problem)


def _said(answers: pa.RecordBatch) -> pa.Table:
    return pa.table({name: answers[name].cast(pa.string()) for name in _VERDICT})


def _problem_said(problem: pa.Array) -> pa.Table:
    """A row that cannot be decided is held, one that nobody made is a no; nobody's statement says so."""
    planted = pc.is_in(problem, value_set=pa.array(PLANTED))
    nobody = pa.nulls(len(problem), pa.string())
    return pa.table(
        {"verdict": pc.if_else(planted, "deny", "hold"), "reason": problem, "holder": nobody, "evidence": nobody}
    )


def _refused(rows: pa.Table, said: pa.Table) -> pa.Table:
    place = [rows[name] for name in ("row_asset_id", "row_partition", "row_offset")]
    return pa.table([*place, *(said[name] for name in _VERDICT)], names=REFUSED_SCHEMA.names).cast(REFUSED_SCHEMA)
