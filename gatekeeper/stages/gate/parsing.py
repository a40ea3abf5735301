"""Blocks are parsed as they arrive, on threads of their own, while earlier ones are decided and written.

Parsing is the largest part of the work, and pyarrow leaves the interpreter free meanwhile. Which block belongs to which
batch is settled later and in order of arrival, so nothing depends on which thread is done first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gatekeeper.core.content import Parsed
from gatekeeper.ports import ContentBlock
from gatekeeper.stages.gate.values import Raw

Parse = Callable[[ContentBlock], Parsed]


class Parsing:
    """What ``begin`` was given waits in the queue it is put into: its bound in bytes is the bound on this too.

    ``rows_max``: blocks are best given in parts of so many, for nothing of a block is decided before all of it is read.
    """

    def __init__(self, parse: Parse, threads: int, rows_max: int) -> None:
        self._parse = parse
        self.rows_max = rows_max
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="parsing")

    def begin(self, block: ContentBlock, epoch: int) -> Raw:
        """The block on its way; what goes wrong with it is raised to whoever asks for the result."""
        parsed = self._pool.submit(self._parse, block)
        return Raw(block.partition, int(block.offsets[-1]), len(block), epoch, parsed)

    def close(self) -> None:
        """What has not begun never does; what is under way is waited for."""
        self._pool.shutdown(wait=True, cancel_futures=True)
