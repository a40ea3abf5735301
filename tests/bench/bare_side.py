"""What a pipeline without a gate does: the same consumer, fetch and write overlapped, one Delta table, no checks.

The same reader, Parquet writer, batch size and commit as the gate's. Parsing is plain pyarrow with the columns named
beforehand, which is the fastest there is: no contract, no duplicate keys, no dead letters.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from gatekeeper.core.commits import Committed
from gatekeeper.core.layout import CATALOG
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS, INSTANT
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.kafka_content import KafkaContentReader
from gatekeeper.ports import ContentBlock
from tests.bench.broker_topics import CONTENT, PARTITIONS, Topics

_DATA = pa.struct([pa.field(f.name, f.type) for f in DATA_FIELDS if f.name not in {"attributes", "extra"}])
_TEXT = pa.string()
_EVENT = pa.schema([("id", _TEXT), ("source", _TEXT), ("type", _TEXT), ("time", INSTANT), ("data", _DATA)])
_READ = pj.ReadOptions(use_threads=False, block_size=4_194_304)
_PARSE = pj.ParseOptions(explicit_schema=_EVENT, unexpected_field_behavior="ignore")


@dataclass
class _Writing:
    """Blocks arrive, rows leave; belongs to the writing thread but for ``blocks``."""

    root: Path
    events: int
    batch_rows: int
    blocks: queue.Queue[ContentBlock] = field(default_factory=lambda: queue.Queue(maxsize=256))
    error: BaseException | None = None

    def run(self) -> None:
        try:
            table, done = Lake(self.root).open(CATALOG), 0
            while done < self.events:
                rows = pa.concat_tables([rows_of(block) for block in self._batch()])
                outcome = table.append(rows, {"bare": done}, {})
                assert isinstance(outcome, Committed)
                table.refresh()
                done += rows.num_rows
        except BaseException as error:  # noqa: BLE001 - whatever ends the thread ends the run, which raises it
            self.error = error

    def _batch(self) -> Iterable[ContentBlock]:
        block = self.blocks.get()
        batch, rows = [block], len(block)
        while rows < self.batch_rows and not self.blocks.empty():
            block = self.blocks.get()
            batch.append(block)
            rows += len(block)
        return batch


def run_bare(topics: Topics, root: Path, batch_rows: int) -> float:
    """Seconds until every event is a committed row."""
    Lake(root).open(CATALOG)
    with closing(KafkaContentReader(topics.settings(uuid.uuid4().hex), CONTENT)) as reader:
        writing = _Writing(root, topics.events, batch_rows)
        writer = threading.Thread(target=writing.run)
        started = time.perf_counter()
        writer.start()
        reader.assign(dict.fromkeys(range(PARTITIONS), 0))
        fetched = 0
        while fetched < topics.events and writing.error is None:
            for block in reader.poll(0.5):
                fetched += len(block)
                writing.blocks.put(block)
        writer.join()
        seconds = time.perf_counter() - started
    if writing.error is not None:
        raise writing.error
    return seconds


def rows_of(block: ContentBlock) -> pa.Table:
    """A block's events as the columns of ``catalog``, unchecked."""
    one_list = pa.ListArray.from_arrays(pa.array([0, len(block)], pa.int32()), block.values)
    lines = pc.binary_join(one_list, b"\n")[0].as_buffer()
    read = pj.read_json(pa.BufferReader(lines), read_options=_READ, parse_options=_PARSE)
    data = read["data"].combine_chunks()
    data = data if isinstance(data, pa.StructArray) else pa.concat_arrays(data.chunks)
    columns = {data.type.field(i).name: data.field(i) for i in range(data.type.num_fields)}
    columns |= {"event_id": read["id"], **{name: read[name] for name in ("source", "type", "time")}}
    rows = len(block)
    columns |= {
        "topic": pa.repeat(block.topic, rows),
        "partition": pa.repeat(pa.scalar(block.partition, pa.int32()), rows),
        "offset": pa.array(block.offsets),
    }
    absent = {name: pa.nulls(rows, CONTENT_SCHEMA.field(name).type) for name in ("attributes", "extra")}
    return pa.table([(columns | absent)[name] for name in CONTENT_SCHEMA.names], schema=CONTENT_SCHEMA)


def check_bare(topics: Topics, root: Path) -> None:
    """Every event once."""
    places = Lake(root).open(CATALOG).scan(["partition", "offset"])
    distinct = places.group_by(["partition", "offset"]).aggregate([]).num_rows
    assert places.num_rows == distinct == topics.events, (places.num_rows, distinct, topics.events)
