"""The columnar kernel in the shape the stages use: a snapshot that moves, and tables in and out."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gatekeeper.core.kernel import decide
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.use import Use
from gatekeeper.stages.gate.barrier import RightsRead, Rules


def uses_of(rules: Rules) -> dict[str, Use]:
    """The use of each declared dataset, by its name."""
    return {declaration.name: declaration.use for declaration in rules.declarations}


class ColumnarKernel:
    """Belongs to one thread at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @classmethod
    def compiled(
        cls, rules: Rules, events: Sequence[RightsRead], position: int, instant_us: int, seed: int
    ) -> ColumnarKernel:
        """On rules and rights events; ``seed`` is any 64 bits, kept for this kernel's hashes."""
        return cls(Snapshot.compile(events, position, rules.policy, uses_of(rules), instant_us, seed=seed))

    def advance(self, events: Sequence[RightsRead], position: int) -> None:
        self.snapshot.advance(events, position)

    def at(self, instant_us: int) -> None:
        self.snapshot.at(instant_us)

    def decide(self, assets: pa.Table) -> dict[str, pa.RecordBatch]:
        """Content rows with the stream's columns → for each dataset a row of verdict, reason, holder, evidence each."""
        batch = assets.combine_chunks().to_batches()
        rows = batch[0] if batch else pa.RecordBatch.from_pylist([], schema=assets.schema)
        answers = decide(rows, self.snapshot)
        names = ["verdict", "reason", "holder", "evidence"]
        return {use: pa.record_batch([getattr(said, n) for n in names], names=names) for use, said in answers.items()}
