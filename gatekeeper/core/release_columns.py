"""The types of a release's columns: the catalogue's, but for maps, which not every reader of Parquet knows.

Hugging Face ``datasets`` refuses a map; pandas, DuckDB, Spark and it agree on a list of (key, value).
"""

from __future__ import annotations

import pyarrow as pa


def released_type(of: pa.DataType) -> pa.DataType:
    """A map becomes a list of ``{key, value}``; every other type stays. Arrow casts the one into the other."""
    if pa.types.is_map(of):
        return pa.list_(pa.struct([("key", of.key_type), ("value", of.item_type)]))
    return of
