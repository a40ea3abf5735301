"""The rights log, materialised in ``rights`` (design §5): every record with its bytes, and when it arrived.

Whether a record's time is too far ahead depends on when it arrived. The broker's append time says so; where a log keeps
none, the clock of whoever recorded it first does, once and for all: everybody afterwards reads it the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import CommitMetadata, Committed
from gatekeeper.core.events import ContractCheck, RightsEvent, Unreadable, read_rights_event
from gatekeeper.core.policy import Policy
from gatekeeper.core.tables import RIGHTS_SCHEMA
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.ports import RightsReader, RightsRecord
from gatekeeper.stages.gate.committing import OUTCOMES_MAX, TableHandle


class ScannedTable(TableHandle, Protocol):
    def scan(self, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table: ...


class RightsTable:
    """Belongs to one thread, with a handle of its own. The version of the transaction ``app_id`` is the last offset
    kept.
    """

    def __init__(
        self,
        table: ScannedTable,
        app_id: str,
        check: ContractCheck,
        clock_us: Callable[[], int],
        new_id: Callable[[], str],
        worker_id: str,
    ) -> None:
        self._table = table
        self._app_id = app_id
        self._check = check
        self._clock_us = clock_us
        self._new_id = new_id
        self._worker_id = worker_id

    def confirm(self, reader: RightsReader) -> None:
        """The log is still the one that was kept. Raises ``UnsafeLog`` where it ends earlier or its last kept record
        differs: what was applied and is gone may be a no.
        """
        self._table.refresh()
        last = self._table.txn(self._app_id)
        if last < 0:
            return
        if (end := reader.end()) <= last:
            raise lost_rights(end, last)
        kept = self._table.scan(["value"], pc.field("position") == last)["value"].to_pylist()
        found = [record.value for record in reader.read(last, last + 1)]
        if found != kept:
            raise UnsafeLog(
                f"rights event {last} is not what was applied: the rights log has been rewritten",
                "restore the rights log as it was before anything is decided again",
            )

    def settle(self, records: Sequence[RightsRecord], policy: Policy) -> list[RightsEvent | Unreadable]:
        """Keep the records the table lacks, then read them all. Raises ``Unavailable`` where it cannot be written."""
        for _ in range(OUTCOMES_MAX):
            through = self._table.txn(self._app_id)
            known = [r for r in records if r.position <= through]
            lacking = [r for r in records if r.position > through]
            now = self._clock_us()
            events = [self._read(r, now, policy) for r in lacking]
            committed = not lacking or self._append(lacking, events, now)
            self._table.refresh()
            if committed:
                return self._read_known(known, policy) + events
        raise Unavailable("the rights table cannot be written", "look after the lake's storage, then start again")

    def _append(self, records: list[RightsRecord], events: list[RightsEvent | Unreadable], now: int) -> bool:
        rows = pa.Table.from_pylist([_row(r, e, now) for r, e in zip(records, events, strict=True)], RIGHTS_SCHEMA)
        metadata = CommitMetadata(self._new_id(), self._worker_id).to_custom()
        files = self._table.write(rows)
        outcome = self._table.commit(files, {self._app_id: records[-1].position}, metadata)
        return isinstance(outcome, Committed)

    def _read_known(self, records: list[RightsRecord], policy: Policy) -> list[RightsEvent | Unreadable]:
        arrivals = self._arrivals(records)
        return [self._read(r, arrivals.get(r.position, 0), policy) for r in records]

    def _read(self, record: RightsRecord, recorded_us: int, policy: Policy) -> RightsEvent | Unreadable:
        arrived_us = recorded_us if record.arrived_us is None else record.arrived_us
        return read_rights_event(record.position, record.value, arrived_us, policy.purposes, self._check)

    def _arrivals(self, records: list[RightsRecord]) -> dict[int, int]:
        """When records without a time of the log's were first recorded."""
        timeless = [r.position for r in records if r.arrived_us is None]
        if not timeless:
            return {}
        within = (pc.field("position") >= timeless[0]) & (pc.field("position") <= timeless[-1])
        rows = self._table.scan(["position", "recorded_at"], within)
        recorded = rows["recorded_at"].cast(pa.int64()).to_pylist()
        return dict(zip(rows["position"].to_pylist(), recorded, strict=True))


def lost_rights(end: int, last: int) -> UnsafeLog:
    """The error of a rights log that ends below what was applied."""
    return UnsafeLog(
        f"the rights log ends at {end}, but event {last} has been applied: rights events were lost",
        "restore the rights log as it was before anything is decided again",
    )


def _row(record: RightsRecord, event: RightsEvent | Unreadable, now: int) -> dict[str, object]:
    row: dict[str, object] = {"position": record.position, "value": record.value, "recorded_at": now}
    if isinstance(event, Unreadable):
        return row | {"readable": False, "problem": f"{event.reason}: {event.detail}", "subject": event.subject}
    about = {"event_id": event.id, "source": event.source, "type": event.type, "time": event.time_us}
    return row | about | {"readable": True, "subject": event.data.get("subject")}
