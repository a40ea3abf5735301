"""What a build said of each row, counted by the month of its content.

Rules of this file: when content is of is what the catalogue's event says, ``published_at`` before ``time``; what the
dataset table says of it does not count.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.periods import Said
from gatekeeper.stages.build.judging import Judged
from gatekeeper.stages.build.values import WHEN

_PLACE = ("asset_id", "partition", "offset")
_SAID = ("month", "verdict", "reason")


def said_by_month(rows: pa.Table, judged: Judged) -> dict[Said, int]:
    """``judged`` is what was said of ``rows``, all of them."""
    permitted = judged.rows.select([*_PLACE, "reason"])
    permitted = permitted.append_column("verdict", pa.repeat(pa.scalar("permit"), permitted.num_rows))
    refused = judged.refused.select(permitted.column_names).cast(permitted.schema)
    said = pa.concat_tables([permitted, refused]).join(_months(rows, permitted.schema), list(_PLACE))
    counted = said.group_by(list(_SAID)).aggregate([([], "count_all")])
    return {(row["month"], row["verdict"], row["reason"]): row["count_all"] for row in counted.to_pylist()}


def _months(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The month of each place, once; an event that the catalogue holds twice counts as the earlier."""
    when = pc.coalesce(*(rows[name] for name in WHEN)).cast(pa.timestamp("us"))
    month = pc.add(pc.multiply(pc.year(when), 12), pc.subtract(pc.month(when), 1))
    place = (rows[f"row_{name}"].cast(schema.field(name).type) for name in _PLACE)
    found = pa.table([*place, month], names=[*_PLACE, "month"]).group_by(list(_PLACE)).aggregate([("month", "min")])
    return found.rename_columns([*_PLACE, "month"])
