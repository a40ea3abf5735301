"""A trigger that wakes the drain DAG when content events wait on the topic, read with kafka-python.

What waits is the difference between the topic's ends and what ``decisions`` holds, never a consumer group's offsets.
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
EVENTS_MIN = 1


class KafkaLagTrigger(BaseEventTrigger):
    """Fires with ``{"lag": events}`` when at least ``events_min`` wait, and again only after they were taken or more
    came.
    """

    def __init__(self, workspace: str, events_min: int = EVENTS_MIN, poll_s: float = POLL_S) -> None:
        super().__init__()
        self.workspace, self.events_min, self.poll_s = workspace, events_min, poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {"workspace": self.workspace, "events_min": self.events_min, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        told = 0
        while True:
            lag = await asyncio.to_thread(self._lag)
            if lag >= self.events_min and lag > told:
                yield TriggerEvent({"lag": lag})
            told = lag
            await asyncio.sleep(self.poll_s)

    def _lag(self) -> int:
        from gatekeeper.errors import GatekeeperError
        from gatekeeper.wiring import open_workspace, system_clock_us
        from gatekeeper.wiring.reports import content_lag

        try:
            return content_lag(open_workspace(Path(self.workspace), Path.cwd(), system_clock_us))
        except GatekeeperError as error:
            log.warning("the lag is not known now: %s", error)
            return 0
