"""Puts one stream worker together: which log, which lake, which clock. Decides nothing."""

from __future__ import annotations

import os
import secrets
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial

import pyarrow as pa

from gatekeeper.core.content import parse
from gatekeeper.core.fold import FoldLimits
from gatekeeper.core.layout import (
    CATALOG,
    DEAD_LETTERS,
    DECISIONS,
    RIGHTS,
    RIGHTS_APP,
    SWEEP_APP,
    ContentApp,
    build_app_id,
)
from gatekeeper.core.partitioning import PARTITIONERS
from gatekeeper.core.register import Register
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.jsonl import JsonlRightsReader
from gatekeeper.edges.kept_snapshots import KeptSnapshots
from gatekeeper.edges.workspace_lock import WorkspaceLock
from gatekeeper.ports import ContentReader, RightsReader, TopicIdentity
from gatekeeper.stages.columnar import ColumnarKernel, uses_of
from gatekeeper.stages.fold import Folder
from gatekeeper.stages.fold_reading import ReadBack
from gatekeeper.stages.gate.assembling import Assembler
from gatekeeper.stages.gate.barrier import Decides, Follows, RightsFollower, RightsRead, Rules
from gatekeeper.stages.gate.committing import Committer
from gatekeeper.stages.gate.deciding import Decider
from gatekeeper.stages.gate.draining import Drained
from gatekeeper.stages.gate.fetching import POLL_S, Fetcher
from gatekeeper.stages.gate.folding import Folding, Tables
from gatekeeper.stages.gate.opening import Opening
from gatekeeper.stages.gate.ownership import Ownership
from gatekeeper.stages.gate.parsing import Parse, Parsing
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.queues import ByteQueue, Switch
from gatekeeper.stages.gate.strays import Home, Strays
from gatekeeper.stages.gate.values import Step
from gatekeeper.stages.gate.worker import Parts, Watches, Worker
from gatekeeper.stages.rights_table import RightsTable
from gatekeeper.wiring import OpenWorkspace

GAP_POLLS_MAX = 20
"""A look into the log gives up after so many polls, and is repeated by whoever asked."""
PARSING_THREADS = 2
"""As many as keep up with one fetching thread: the rest of the machine is for deciding and writing."""
SNAPSHOTS_FOLDER = ".snapshots"
TABLE_OF = {Step.DEAD_LETTERS: DEAD_LETTERS, Step.CATALOG: CATALOG, Step.DECISIONS: DECISIONS}


def new_worker_id() -> str:
    """Host, process and a random part: told apart even when a process id comes again."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class GateOptions:
    """How this worker runs. ``step`` is called at every numbered step of every commit: where a crash test stops it."""

    drain: bool = False
    worker_id: str = field(default_factory=new_worker_id)
    step: Callable[[str], None] = lambda _name: None


@contextmanager
def gate_worker(opened: OpenWorkspace, options: GateOptions, watch: Watches) -> Iterator[Worker]:
    """A worker on the workspace's logs and lake. An embedded workspace is locked meanwhile.

    The process allocates columns with the system's allocator from now on: pyarrow's default gives every large buffer
    back at once and has it zeroed again for the next, a quarter of a worker's processor time (measured).
    """
    pa.set_memory_pool(pa.system_memory_pool())
    with ExitStack() as stack:
        kafka = opened.workspace.kafka
        if kafka is None:
            stack.enter_context(WorkspaceLock(opened.workspace.root / ".gate.lock"))
        rights = stack.enter_context(closing(rights_reader(opened)))
        rights.check(kafka.development if kafka else True)
        opened.pin("rights", rights.identity())
        # the content reader belongs to the fetching thread, which closes it
        content = opened.content_reader()
        opened.pin("content", content.identity())
        yield _worker(opened, options, watch, rights, content)


def rights_reader(opened: OpenWorkspace) -> RightsReader:
    if opened.workspace.kafka is None:
        return JsonlRightsReader(opened.workspace.log_file("rights"))
    from gatekeeper.edges.kafka_rights import KafkaRightsReader

    return KafkaRightsReader(opened.kafka_settings(), opened.workspace.kafka.rights_topic)


def _worker(
    opened: OpenWorkspace, options: GateOptions, watch: Watches, rights: RightsReader, content: ContentReader
) -> Worker:
    limits, switch, ownership = opened.workspace.limits, Switch(), Ownership()
    lake = opened.lake(options.step)
    app_id = app_ids(content.identity())
    folding = Folding(_dataset_tables(lake, opened, options, watch), limits.queue_bytes_max // 2, switch)
    strays = Strays(lake.open(CATALOG), home_of(opened, content.identity()))
    patience = Patience(limits.patience_s, switch)
    decider = Decider(rights_follower(opened, options, rights, lake), strays, patience, folding.prepare, watch.moment)
    raws: ByteQueue = ByteQueue(limits.queue_bytes_max, switch)
    parsing = Parsing(_parser(opened), PARSING_THREADS, max(1, limits.batch_rows_max // 2))
    opening = Opening({step: lake.open(TABLE_OF[step]) for step in Step}, ownership, app_id, decider.not_before)
    parts = Parts(
        reader=content,
        fetcher=Fetcher(content, opening, ownership, parsing, raws, patience),
        parsing=parsing,
        assembler=Assembler(ownership, limits.batch_rows_max, new_id),
        decider=decider,
        committer=Committer(
            {step: lake.open(TABLE_OF[step]) for step in Step},
            ownership,
            app_id,
            SWEEP_APP,
            options.worker_id,
            decider.decided,
        ),
        folds=folding,
        watch=watch,
        ownership=ownership,
        raws=raws,
        decided=ByteQueue(1, switch),
        switch=switch,
    )
    ends = content.end_offsets() if options.drain else {}
    gap = partial(_is_gap, opened)
    drained = Drained(content, ownership, lake.open(DECISIONS), app_id, ends, gap) if options.drain else None
    return Worker(parts, drained)


def _is_gap(opened: OpenWorkspace, partition: int, start: int, end: int) -> bool:
    """Whether no record that can be read stands in [start, end) of the partition, by a reader of its own."""
    with closing(opened.content_reader()) as reader:
        reader.assign({partition: start})
        for _ in range(GAP_POLLS_MAX):
            if any(int(block.offsets[0]) < end for block in reader.poll(POLL_S)):
                return False
            if (reader.position(partition) or 0) >= end:
                return True
    return False


def app_ids(identity: TopicIdentity) -> Callable[[int], str]:
    return lambda partition: build_app_id(ContentApp(identity.cluster_id, identity.topic_id, partition))


def home_of(opened: OpenWorkspace, identity: TopicIdentity) -> Home | None:
    """Where the topic's partitioner sends a key; one partition is every asset's home."""
    if opened.workspace.kafka is None or identity.partitions == 1:
        return None
    partitioner = PARTITIONERS[opened.workspace.kafka.partitioner]
    return lambda asset_ids: partitioner(asset_ids, identity.partitions)


def _parser(opened: OpenWorkspace) -> Parse:
    limits, check = opened.workspace.limits, opened.contracts.check_content
    keyed = opened.workspace.kafka is not None
    return lambda block: parse(block, check, limits=limits, check_key=keyed)


def rights_follower(opened: OpenWorkspace, options: GateOptions, reader: RightsReader, lake: Lake) -> RightsFollower:
    table = RightsTable(
        lake.open(RIGHTS), RIGHTS_APP, opened.contracts.check_rights, opened.clock_us, new_id, options.worker_id
    )
    kept = KeptSnapshots(opened.workspace.root / SNAPSHOTS_FOLDER, asdict(reader.identity()))

    def resume(rules: Rules, end: int) -> tuple[Register, Decides] | None:
        found = kept.newest(rules.policy, uses_of(rules), end)
        return None if found is None else (found[0], ColumnarKernel(found[1]))

    def keep(register: Register, kernel: Decides) -> None:
        assert isinstance(kernel, ColumnarKernel)
        kept.keep(register, kernel.snapshot)

    outside = Follows(table.confirm, table.settle, opened.rules, compile_kernel, resume, keep, opened.clock_us)
    return RightsFollower(reader, outside)


def compile_kernel(rules: Rules, events: Sequence[RightsRead], position: int, instant_us: int) -> Decides:
    """The columnar kernel on rules and rights events."""
    return ColumnarKernel.compiled(rules, events, position, instant_us, secrets.randbits(64))


def _dataset_tables(lake: Lake, opened: OpenWorkspace, options: GateOptions, watch: Watches) -> Tables:
    """Each folder has handles of its own: at the end they catch up side by side."""
    limits = FoldLimits()

    def folder(name: str) -> Folder:
        read_back = ReadBack(name, lake.open(DECISIONS), lake.open(CATALOG), limits.read_rows_max)
        return Folder(lake.dataset(name), read_back, limits, opened.clock_us, options.worker_id)

    return Tables(lake.datasets, folder, watch.folded)
