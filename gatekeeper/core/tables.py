"""The lake's tables as values: columns, partitioning and Delta configuration (design §3, §5).

Rules of this file: a column is named once, here; order is the order on disk; a table's schema is a constant and never
guessed from rows. Instants are ``timestamp[us, UTC]``. What the tables are *called* is in ``layout``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from gatekeeper.core import layout

INSTANT = pa.timestamp("us", tz="UTC")
INTEREST = pa.struct([("party_id", pa.string()), ("role", pa.string())])
IDENTIFIERS = pa.struct([("isrc", pa.string()), ("iswc", pa.string()), ("content_sha256", pa.string())])
RESERVATION = pa.struct([("vocabulary", pa.string()), ("vocabulary_version", pa.string()), ("statement", pa.string())])

ENVELOPE_FIELDS = (
    pa.field("event_id", pa.string()),
    pa.field("source", pa.string()),
    pa.field("type", pa.string()),
    pa.field("time", INSTANT),
)
PLACE_FIELDS = (
    pa.field("topic", pa.string()),
    pa.field("partition", pa.int32()),
    pa.field("offset", pa.int64()),
)
DATA_FIELDS = (
    pa.field("asset_id", pa.string()),
    pa.field("account_id", pa.string()),
    pa.field("interests", pa.list_(INTEREST)),
    pa.field("identifiers", IDENTIFIERS),
    pa.field("catalogs", pa.list_(pa.string())),
    pa.field("licence", pa.string()),
    pa.field("tags", pa.list_(pa.string())),
    pa.field("reservations", pa.list_(RESERVATION)),
    pa.field("title", pa.string()),
    pa.field("artists", pa.list_(pa.string())),
    pa.field("genres", pa.list_(pa.string())),
    pa.field("duration_ms", pa.int64()),
    pa.field("media_uri", pa.string()),
    pa.field("published_at", INSTANT),
    pa.field("attributes", pa.map_(pa.string(), pa.string())),
    pa.field("extra", pa.string()),
)
"""A content event's ``data`` (design §3); ``extra`` is the JSON text of the fields we do not know, null when none."""

CONTENT_SCHEMA = pa.schema([*ENVELOPE_FIELDS, *PLACE_FIELDS, *DATA_FIELDS])
"""A valid content event, as parsed and as kept in ``catalog``."""

DECISIONS_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string()),
        *PLACE_FIELDS,
        pa.field("asset_id", pa.string()),
        pa.field("dataset", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("holder", pa.string()),
        pa.field("evidence", pa.string()),
        pa.field("rights_position", pa.int64()),
        pa.field("policy", pa.string()),
        pa.field("decided_at", INSTANT),
        pa.field("driver", pa.string()),
    ]
)
"""One verdict on one event for one dataset; ``driver`` is ``gate`` or ``sweep``."""

DEAD_LETTERS_SCHEMA = pa.schema(
    [
        *PLACE_FIELDS,
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("recorded_at", INSTANT),
    ]
)
"""A content record nobody can use, with its original bytes."""

RIGHTS_SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64()),
        pa.field("value", pa.binary()),
        pa.field("event_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("type", pa.string()),
        pa.field("time", INSTANT),
        pa.field("readable", pa.bool_()),
        pa.field("problem", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("recorded_at", INSTANT),
    ]
)
"""The rights log, materialised: every record with its bytes; ``position`` is the record's own offset."""

DATASET_SCHEMA = pa.schema(
    [
        *DATA_FIELDS,
        pa.field("partition", pa.int32()),
        pa.field("offset", pa.int64()),
        pa.field("rights_position", pa.int64()),
    ]
)
"""A permitted asset, once: the permitted event's ``data``, its place, and the rights position of the decision."""


@dataclass(frozen=True)
class TableSpec:
    """How a table is made and its files are written.

    ``skip_by`` are the columns whose smallest and largest value each log entry states, so that readers skip files;
    ``find_by`` are the columns whose files carry a Bloom filter (Parquet, "Bloom Filter"), so that one value is found
    among millions of rows without reading them; ``few_values`` are the Parquet leaves worth a dictionary (on any other
    a dictionary costs time and saves nothing).
    No table has a partition column: one file per commit, see the module ``stages.fold`` for why not a hash bucket.
    """

    schema: pa.Schema
    skip_by: tuple[str, ...]
    few_values: tuple[str, ...]
    find_by: tuple[str, ...] = ()
    change_data_feed: bool = False

    @property
    def configuration(self) -> dict[str, str]:
        """Delta table properties, set at creation. No ``txn`` ever expires: exactly-once rests on them."""
        return {
            "delta.enableChangeDataFeed": "true" if self.change_data_feed else "false",
            "delta.checkpointInterval": str(CHECKPOINT_VERSIONS),
            "delta.enableExpiredLogCleanup": "false",
            "delta.logRetentionDuration": f"interval {LOG_RETENTION_DAYS} days",
            "delta.dataSkippingStatsColumns": ",".join(self.skip_by),
        }


CHECKPOINT_VERSIONS = 50
"""Load, compare and commit grow with the versions since the last checkpoint (design §5)."""
LOG_RETENTION_DAYS = 36_500
"""A fold reads versions of ``decisions`` from its log; who cleans a log must first know that every fold is past it."""

_FEW_DATA_VALUES = (
    "interests.list.element.role",
    "identifiers.iswc",
    "catalogs.list.element",
    "licence",
    "tags.list.element",
    "reservations.list.element.vocabulary",
    "reservations.list.element.vocabulary_version",
    "reservations.list.element.statement",
    "genres.list.element",
    "attributes.key_value.key",
    "extra",
    "partition",
)

CATALOG = TableSpec(
    CONTENT_SCHEMA,
    skip_by=("partition", "offset", "asset_id"),
    few_values=("source", "type", "topic", *_FEW_DATA_VALUES),
    find_by=("asset_id",),
)
DECISIONS = TableSpec(
    DECISIONS_SCHEMA,
    skip_by=("partition", "offset", "asset_id"),
    few_values=(
        "topic",
        "partition",
        "dataset",
        "verdict",
        "reason",
        "holder",
        "evidence",
        "rights_position",
        "policy",
        "decided_at",
        "driver",
    ),
    find_by=("asset_id",),
    change_data_feed=True,
)
DEAD_LETTERS = TableSpec(
    DEAD_LETTERS_SCHEMA, skip_by=("partition", "offset"), few_values=("topic", "partition", "reason", "recorded_at")
)
RIGHTS = TableSpec(
    RIGHTS_SCHEMA, skip_by=("position",), few_values=("source", "type", "readable", "problem", "recorded_at")
)
DATASET = TableSpec(
    DATASET_SCHEMA,
    skip_by=("partition", "offset", "asset_id"),
    few_values=("rights_position", *_FEW_DATA_VALUES),
    find_by=("asset_id",),
)

SPECS: Mapping[str, TableSpec] = MappingProxyType(
    {
        layout.CATALOG: CATALOG,
        layout.DECISIONS: DECISIONS,
        layout.DEAD_LETTERS: DEAD_LETTERS,
        layout.RIGHTS: RIGHTS,
    }
)
"""The append-only tables by name."""
