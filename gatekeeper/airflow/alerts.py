"""What happens when a run is later than it may be: Airflow's triggerer calls, and the log shouts what is late."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from gatekeeper.airflow.command import CommandFailed, run_command

log = logging.getLogger(__name__)


def within(limit: timedelta, what: str) -> DeadlineAlert:
    """A run is to end so long after it was queued; ``what`` says what waits for it."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=limit,
        callback=AsyncCallback(shout, kwargs={"what": what, "within": str(limit)}),
    )


async def shout(what: str, within: str, context: Mapping[str, Any] | None = None) -> str:
    """Log which run is late and every withdrawal whose deadline has passed. What is said is returned, too."""
    run = ((context or {}).get("dag_run") or {}).get("dag_run_id", "a run")
    text = f"DEADLINE MISSED: {run} has not ended within {within}: {what}; {await asyncio.to_thread(_late)}"
    log.error(text)
    return text


def _late() -> str:
    try:
        found = run_command("status")["withdrawals"]
    except CommandFailed as problem:
        return f"what else is late is not known: {problem}"
    return f"{found['overdue']} withdrawal(s) are overdue, {found['at_risk']} at risk, {found['open']} open"
