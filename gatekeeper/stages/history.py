"""A file of content events as one history: content rows whose offset is the line's number from 0, in partition 0."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from gatekeeper.core.content import Limits
from gatekeeper.core.contracts import Check
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.errors import BadInput
from gatekeeper.stages.append import parse_lines


def read_history(blocks: Iterable[list[bytes]], name: str, check: Check, limits: Limits) -> pa.Table:
    """Every line as an event. Raises ``BadInput`` naming the first that is none: nothing is skipped."""
    rows = [CONTENT_SCHEMA.empty_table()]
    before = 0
    for lines in blocks:
        parsed = parse_lines(lines, check, limits, before)
        if parsed.dead.num_rows:
            first = parsed.dead.slice(0, 1).to_pylist()[0]
            what = f"{name} line {first['offset'] + 1}: {first['reason']}: {first['detail']}"
            raise BadInput(what, "mend the line; nothing was decided, so that nothing is skipped")
        rows.append(pa.Table.from_batches([parsed.valid]))
        before += len(lines)
    return pa.concat_tables(rows)
