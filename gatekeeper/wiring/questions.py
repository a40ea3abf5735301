"""Commands that only ask, with real edges: ``decide`` and ``explain``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from gatekeeper.stages import decide as deciding
from gatekeeper.stages.append import blocks
from gatekeeper.stages.history import read_history
from gatekeeper.wiring.workspace import OpenWorkspace, RightsSoFar


@dataclass(frozen=True)
class Asked:
    """``datasets``: all when empty. ``at_us``: now when None. ``rights_at``: the log's end when None."""

    datasets: Sequence[str] = ()
    at_us: int | None = None
    rights_at: int | None = None
    reference: bool = False


def decide(opened: OpenWorkspace, source: BinaryIO, name: str, asked: Asked) -> Iterator[dict[str, Any]]:
    """The decisions on the events of a file of this name. Raises ``BadInput`` before the first, or never."""
    from gatekeeper.wiring.gate import compile_kernel

    rules = deciding.chosen(opened.rules(), asked.datasets)
    rights = opened.rights(rules.policy, asked.rights_at)
    question = deciding.Question(rules, rights.events, rights.position, instant_of(opened, asked, rights))
    history = history_of(opened, source, name)
    return deciding.decisions(history, question, deciding.ReferenceKernel if asked.reference else compile_kernel)


def instant_of(opened: OpenWorkspace, asked: Asked, rights: RightsSoFar) -> int:
    """The instant asked for; else now, and not before any undated restriction (design §5, "The instant")."""
    return asked.at_us if asked.at_us is not None else max(opened.clock_us(), rights.register.restricted_us)


def history_of(opened: OpenWorkspace, source: BinaryIO, name: str) -> pa.Table:
    """The content events of a file. Raises ``BadInput`` for a line that is none."""
    limits = opened.workspace.limits
    lines = blocks(source, limits.append_block_bytes, limits.event_bytes_max)
    return read_history(lines, name, opened.contracts.check_content, limits)
