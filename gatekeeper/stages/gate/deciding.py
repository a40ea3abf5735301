"""A batch of events and a moment → its decision rows, one for each event and declared dataset."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

import pyarrow as pa

from gatekeeper.core.tables import DECISIONS_SCHEMA, INSTANT
from gatekeeper.errors import Bug
from gatekeeper.stages.gate.barrier import RightsFollower
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.strays import Strays
from gatekeeper.stages.gate.values import Batch, Moment

_PLACE = ("event_id", "topic", "partition", "offset", "asset_id")


class Decider:
    """Barrier, then kernel. One batch at a time, whichever thread asks: the kernel moves as rights change."""

    def __init__(
        self,
        follower: RightsFollower,
        strays: Strays,
        patience: Patience,
        prepare: Callable[[Iterable[str]], None],
        seen: Callable[[Moment], None] = lambda _moment: None,
    ) -> None:
        self._follower = follower
        self._strays = strays
        self._patience = patience
        self._prepare = prepare
        self._seen = seen
        self._lock = threading.Lock()

    def start(self) -> None:
        """Pass the barrier once before any event comes: rules that are not applied are noticed at once, and dataset
        tables are followed although nothing may be left to decide (a worker died between decisions and fold).
        """
        with self._lock:
            self._seen(self._follower.catch_up())
            self._prepare_tables()

    def decided(self, batch: Batch) -> Batch:
        """The batch with its decisions, on rights no older than the end of the log after the batch was read."""
        with self._lock:
            moment = self._patience.of(self._follower.catch_up)
            self._seen(moment)
            rules = self._follower.rules
            self._prepare_tables()
            conflicting, strays_seen, new_strays = self._strays.look(batch.valid)
            at = batch.valid.schema.get_field_index("conflicting")
            valid = batch.valid.set_column(at, "conflicting", pa.array(conflicting))
            return replace(
                batch,
                valid=valid,
                moment=moment,
                policy=rules.policy.digest,
                decisions=self._decisions(valid, moment),
                strays_seen=strays_seen,
                new_strays=batch.new_strays or new_strays,
            )

    def _prepare_tables(self) -> None:
        self._prepare(declaration.name for declaration in self._follower.rules.declarations)

    def not_before(self, instant_us: int) -> None:
        """Never date a decision before this instant."""
        with self._lock:
            self._follower.not_before(instant_us)

    def keep(self) -> None:
        """Keep the rights state for the next start."""
        with self._lock:
            self._follower.keep()

    def _decisions(self, valid: pa.Table, moment: Moment) -> pa.Table:
        kernel = self._follower.kernel
        if kernel is None:
            raise Bug("nothing is decided before a barrier")
        verdicts = kernel.decide(valid)
        tables = [self._rows(valid, dataset, columns, moment) for dataset, columns in verdicts.items()]
        return pa.concat_tables(tables) if tables else DECISIONS_SCHEMA.empty_table()

    def _rows(self, valid: pa.Table, dataset: str, verdicts: pa.RecordBatch, moment: Moment) -> pa.Table:
        count = valid.num_rows
        columns = {name: valid[name] for name in _PLACE}
        columns["dataset"] = _same(dataset, count)
        columns.update({name: verdicts[name] for name in ("verdict", "reason", "holder", "evidence")})
        columns["rights_position"] = pa.repeat(pa.scalar(moment.position, pa.int64()), count)
        columns["policy"] = _same(self._follower.rules.policy.digest, count)
        columns["decided_at"] = pa.repeat(pa.scalar(moment.instant_us, INSTANT), count)
        columns["driver"] = _same("gate", count)
        return pa.table([columns[name] for name in DECISIONS_SCHEMA.names], names=DECISIONS_SCHEMA.names)


def _same(text: str, count: int) -> pa.Array:
    """One text for every row, stored once."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), [text])
