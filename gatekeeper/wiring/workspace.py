"""A workspace's logs, tables and rules.

An ``OpenWorkspace`` opens what a command asks for when it asks: a command that needs no broker never meets one, and a
table that is not there yet is None to a reader and made by whoever writes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatekeeper.config import Workspace, find_workspace, read_workspace
from gatekeeper.core.contracts import Contracts, contracts_of
from gatekeeper.core.events import read_rights_event
from gatekeeper.core.layout import RIGHTS, RIGHTS_APP, Table
from gatekeeper.core.policy import Policy
from gatekeeper.core.register import Register
from gatekeeper.edges.rules_files import read_declarations, read_policy_file
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.errors import BadInput
from gatekeeper.ports import ContentReader, LogWriter, RightsRecord, TopicIdentity
from gatekeeper.stages.gate.barrier import RightsRead, Rules
from gatekeeper.stages.rights_table import lost_rights

if TYPE_CHECKING:
    from gatekeeper.edges.delta import Lake
    from gatekeeper.edges.delta_append import AppendTable
    from gatekeeper.edges.kafka_settings import KafkaSettings
    from gatekeeper.edges.kept import KeptDocuments

Clock = Callable[[], int]
"""Now, in microseconds since 1970-01-01 UTC."""


def system_clock_us() -> int:
    return time.time_ns() // 1000


class RightsLook(Protocol):
    """As much of a ``RightsReader`` as a command needs that keeps nothing."""

    def end(self) -> int: ...
    def read(self, from_position: int, to_position: int) -> list[RightsRecord]: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class RightsSoFar:
    """The rights log below ``position``, read under one policy: ``records`` and ``events`` position for position."""

    records: Sequence[RightsRecord]
    events: Sequence[RightsRead]
    position: int

    @cached_property
    def register(self) -> Register:
        register = Register()
        for event in self.events:
            register.apply(event)
        register.position = self.position
        return register


@dataclass(frozen=True)
class OpenWorkspace:
    """One workspace, as a command uses it."""

    workspace: Workspace
    clock_us: Clock

    @property
    def contracts(self) -> Contracts:
        return _shipped_contracts()

    def policy(self) -> Policy:
        return read_policy_file(self.workspace.policy_file, self.contracts)

    def rules(self) -> Rules:
        """Policy and declarations as the files are now. Raises ``BadInput``."""
        policy = self.policy()
        return Rules(policy, read_declarations(self.workspace.declarations, policy, self.contracts))

    def rights(self, policy: Policy, upto: int | None = None) -> RightsSoFar:
        """The rights log up to a position, its end when None, writing nothing. Raises ``BadInput`` beyond the end."""
        log = self.rights_look()
        try:
            end, kept = log.end(), self.table(RIGHTS)
            if kept is not None and end <= kept.txn(RIGHTS_APP):
                raise lost_rights(end, kept.txn(RIGHTS_APP))
            position = end if upto is None else upto
            if position > end:
                raise BadInput(f"rights position {position} is beyond the log's end", f"the rights log ends at {end}")
            records = log.read(0, position)
        finally:
            log.close()
        return RightsSoFar(records, self._read_rights(records, policy), position)

    def _read_rights(self, records: Sequence[RightsRecord], policy: Policy) -> list[RightsRead]:
        now, arrived, check = self.clock_us(), self.arrivals(records), self.contracts.check_rights
        return [
            read_rights_event(r.position, r.value, arrived.get(r.position, now), policy.purposes, check)
            for r in records
        ]

    def arrivals(self, records: Sequence[RightsRecord]) -> Mapping[int, int]:
        """When each record arrived: by the log, else as first recorded in the lake. Absent: it arrives now."""
        known = {r.position: r.arrived_us for r in records if r.arrived_us is not None}
        if len(known) < len(records) and (table := self.table(RIGHTS)) is not None and table.txn(RIGHTS_APP) >= 0:
            rows = table.scan(["position", "recorded_at"])
            recorded = rows["recorded_at"].cast("int64").to_pylist()
            known = dict(zip(rows["position"].to_pylist(), recorded, strict=True)) | known
        return known

    # --- logs

    def rights_look(self) -> RightsLook:
        if self.workspace.kafka is None:
            from gatekeeper.edges.jsonl_plain import JsonlRightsFile

            return JsonlRightsFile(self.workspace.log_file("rights"))
        from gatekeeper.edges.kafka_rights import KafkaRightsReader

        return KafkaRightsReader(self.kafka_settings(), self.workspace.kafka.rights_topic)

    def content_reader(self) -> ContentReader:
        if self.workspace.kafka is None:
            from gatekeeper.edges.jsonl import JsonlContentReader

            return JsonlContentReader(self.workspace.log_file("content"))
        from gatekeeper.edges.kafka_content import KafkaContentReader

        return KafkaContentReader(self.kafka_settings(), self.workspace.kafka.content_topic)

    def writer(self, log: str) -> LogWriter:
        """``log`` is ``content`` or ``rights``."""
        bytes_max = self.workspace.limits.event_bytes_max
        if self.workspace.kafka is None:
            from gatekeeper.edges.jsonl_writer import JsonlLogWriter

            return JsonlLogWriter(self.workspace.log_file(log), event_bytes_max=bytes_max)
        from gatekeeper.edges.kafka_writer import KafkaLogWriter

        kafka = self.workspace.kafka
        return KafkaLogWriter(self.kafka_settings(), kafka.content_topic if log == "content" else kafka.rights_topic)

    def kafka_settings(self) -> KafkaSettings:
        """Raises ``BadInput`` for an option that may not be set."""
        from gatekeeper.edges.kafka_settings import KafkaSettings

        kafka = self.workspace.kafka
        assert kafka is not None
        return KafkaSettings(
            bootstrap_servers=tuple(server.strip() for server in kafka.bootstrap_servers.split(",")),
            options=kafka.options,
            group_id=kafka.group,
            event_bytes_max=self.workspace.limits.event_bytes_max,
        )

    # --- lake

    def lake(self, step: Callable[[str], None] | None = None) -> Lake:
        """``step`` is called at every numbered step of every commit."""
        from gatekeeper.edges.delta import Lake, no_step

        return Lake(self.workspace.lake, self.workspace.lake_options, step or no_step, now_us=self.clock_us)

    def pin(self, log: str, identity: TopicIdentity) -> None:
        """Remember which log the lake is made from, at first use. Raises ``UnsafeLog`` for another one."""
        from gatekeeper.edges.pinned_logs import pin

        pin(self.workspace.lake, log, identity, self.workspace.lake_options)

    def table(self, name: str) -> AppendTable | None:
        """An append-only table for reading, None where nobody has written one yet."""
        lake = self.lake()
        return lake.open(name) if lake.exists(Table(name)) else None

    def kept(self) -> KeptDocuments:
        """Policies and declarations that were ever active, by digest."""
        from gatekeeper.edges.kept import KeptDocuments

        return KeptDocuments(self.workspace.lake, self.workspace.lake_options)


@cache
def _shipped_contracts() -> Contracts:
    return contracts_of(read_schemas())


def open_workspace(asked: Path | None, here: Path, clock_us: Clock) -> OpenWorkspace:
    """The workspace asked for, or the one in ``here``. Raises ``BadInput``."""
    return OpenWorkspace(read_workspace(find_workspace(asked, here)), clock_us)
