"""A system that is away for a moment does not end a worker: wait and ask again, but not for ever, and say so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gatekeeper.errors import Unavailable
from gatekeeper.stages.gate.queues import Switch

T = TypeVar("T")

FIRST_PAUSE_S = 0.2
PAUSE_MAX_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """``wait_s`` is how long a system may stay away before its error is final; nothing is decided meanwhile."""

    wait_s: float
    switch: Switch
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def of(self, ask: Callable[[], T]) -> T:
        """What ``ask`` gives, asked again while it raises ``Unavailable``, until patience ends."""
        deadline, pause = None, FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except Unavailable as away:
                now = self.clock()
                deadline = now + self.wait_s if deadline is None else deadline
                if now + pause > deadline:
                    raise
                log.warning("%s; asking again for %.0f s", away.what, deadline - now)
                self.switch.check()
                self.sleep(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
