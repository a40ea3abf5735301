"""What a running gate shows: progress on a terminal, metrics for Prometheus, a table of verdicts at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gatekeeper.cli.caller import Caller
from gatekeeper.edges.metrics import Metrics
from gatekeeper.stages.gate.values import Batch, Moment


class Watch:
    """Told by the worker's threads what happened; each counter has one writer."""

    def __init__(self, caller: Caller) -> None:
        self.metrics = Metrics()
        self.events = 0
        self.dead_letters: Counter[str] = Counter()
        self.decisions: Counter[tuple[str, str, str]] = Counter()
        self._started = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=caller.err,
            disable=not caller.err.is_terminal,
        )
        self._task = self._progress.add_task("waiting for content events")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def moment(self, moment: Moment) -> None:
        self.metrics.rights_position.set(moment.position)
        self.metrics.rights_read_at.set(moment.instant_us / 1e6)
        self.metrics.unanswered.set(moment.unanswered)

    def lag(self, events: Mapping[int, int]) -> None:
        self.metrics.set_lag(events)

    def batch_decided(self, batch: Batch, seconds: float) -> None:  # noqa: ARG002 - the port's signature
        self.metrics.batch_seconds.observe(seconds)

    def folded(self, dataset: str, version: int) -> None:
        self.metrics.fold_version.labels(dataset).set(version)

    def batch_committed(self, batch: Batch, seconds: float, slices_dropped: int) -> None:
        assert batch.decisions is not None
        self.metrics.slices_dropped.inc(slices_dropped)
        self.events += batch.valid.num_rows
        self.metrics.events.inc(batch.valid.num_rows)
        self.metrics.commit_seconds.observe(seconds)
        for entry in batch.dead["reason"].value_counts().to_pylist():
            self.dead_letters[entry["values"]] += entry["counts"]
            self.metrics.dead_letters.labels(entry["values"]).inc(entry["counts"])
        for key, count in _verdicts(batch.decisions):
            self.decisions[key] += count
            self.metrics.decisions.labels(*key).inc(count)
        rate = self.events / max(time.monotonic() - self._started, 1e-9)
        dead = sum(self.dead_letters.values())
        self._progress.update(
            self._task, description=f"{self.events:,} events decided, {dead:,} dead letters, {rate:,.0f} events/s"
        )

    def summary(self) -> dict[str, Any]:
        """For machines: what this run decided."""
        return {
            "events": self.events,
            "dead_letters": dict(self.dead_letters),
            "decisions": [
                {"dataset": dataset, "verdict": verdict, "reason": reason, "count": count}
                for (dataset, verdict, reason), count in sorted(self.decisions.items())
            ],
        }

    def table(self) -> Table:
        """For people: verdicts by dataset and reason."""
        table = Table(title=f"{self.events:,} content events decided, {sum(self.dead_letters.values()):,} dead letters")
        for name in ("dataset", "verdict", "reason"):
            table.add_column(name, style=None)
        table.add_column("events", justify="right")
        for (dataset, verdict, reason), count in sorted(self.decisions.items()):
            table.add_row(dataset, verdict, reason, f"{count:,}")
        return table


def _verdicts(decisions: pa.Table) -> list[tuple[tuple[str, str, str], int]]:
    keys = ["dataset", "verdict", "reason"]
    plain = pa.table({name: pc.cast(decisions[name], pa.string()) for name in keys})
    counted = plain.group_by(keys).aggregate([([], "count_all")]).to_pylist()
    return [((row["dataset"], row["verdict"], row["reason"]), row["count_all"]) for row in counted]
