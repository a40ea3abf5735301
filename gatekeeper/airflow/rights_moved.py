"""A trigger that wakes the sweep: rights events were appended, or a statement began or ended by the clock alone.

What the last sweep reached, and which instant it named as the next one, stand in ``decisions``; so a trigger keeps
nothing, and one that starts anew misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

log = logging.getLogger(__name__)

POLL_S = 10.0
AGAIN_S = 120.0
"""A sweep that is due and does not come (its run failed) is asked for again."""


class RightsMovedTrigger(BaseEventTrigger):
    """Fires with ``{"due": why}`` when a sweep is due, and again only for another reason or after a while."""

    def __init__(self, workspace: str, poll_s: float = POLL_S, again_s: float = AGAIN_S) -> None:
        super().__init__()
        self.workspace, self.poll_s, self.again_s = workspace, poll_s, again_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {"workspace": self.workspace, "poll_s": self.poll_s, "again_s": self.again_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        told, told_at = None, 0.0
        while True:
            due, now = await asyncio.to_thread(self._due), asyncio.get_running_loop().time()
            if due is not None and (due != told or now - told_at >= self.again_s):
                told_at = now
                yield TriggerEvent({"due": due})
            told = due
            await asyncio.sleep(self.poll_s)

    def _due(self) -> str | None:
        from gatekeeper.errors import GatekeeperError
        from gatekeeper.wiring import open_workspace, system_clock_us
        from gatekeeper.wiring.reports import sweep_due

        try:
            return sweep_due(open_workspace(Path(self.workspace), Path.cwd(), system_clock_us))
        except GatekeeperError as error:
            log.warning("whether a sweep is due is not known now: %s", error)
            return None
