"""``dead-letters`` with real edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

import numpy as np
import pyarrow as pa

from gatekeeper.core.content import Parsed, parse
from gatekeeper.core.layout import CATALOG, DEAD_LETTERS, ContentApp, build_app_id
from gatekeeper.ports import ContentBlock, ContentReader
from gatekeeper.stages import dead_letters as stage
from gatekeeper.stages.reading import ReadableTable
from gatekeeper.wiring.workspace import OpenWorkspace


def dead_letters(
    opened: OpenWorkspace, reasons: Sequence[str] = (), places: Iterable[stage.Place] | None = None
) -> pa.Table:
    """The dead letters on record, by partition and offset."""
    return stage.letters(opened.table(DEAD_LETTERS), reasons, places)


def replay(opened: OpenWorkspace, rows: pa.Table) -> stage.Replayed:
    """Append those of the letters that can be used by now."""
    if rows.num_rows == 0:
        return stage.Replayed((), (), ())
    values = rows["value"].combine_chunks()
    block = ContentBlock("content", 0, np.arange(rows.num_rows, dtype=np.int64), None, values, values.nbytes)
    parsed = _parse(opened, block, check_key=False)
    catalog = opened.table(CATALOG)
    with closing(opened.content_reader()) as reader, closing(opened.writer("content")) as log:
        undecided = stage.waiting(reader, _next(reader, catalog), lambda read: _parse(opened, read, check_key=None))
        later = stage.later_events(parsed.valid["asset_id"].to_pylist(), catalog, undecided)
        return stage.replay(rows, parsed, later, log)


def _parse(opened: OpenWorkspace, block: ContentBlock, *, check_key: bool | None) -> Parsed:
    keyed = opened.workspace.kafka is not None if check_key is None else check_key
    return parse(block, opened.contracts.check_content, limits=opened.workspace.limits, check_key=keyed)


def _next(reader: ContentReader, catalog: ReadableTable | None) -> dict[int, int]:
    """Partition → the first offset the catalogue does not hold yet."""
    identity = reader.identity()
    begins = reader.begin_offsets()
    if catalog is None:
        return begins
    apps = {p: build_app_id(ContentApp(identity.cluster_id, identity.topic_id, p)) for p in begins}
    return {p: max(begin, catalog.txn(apps[p]) + 1) for p, begin in begins.items()}
