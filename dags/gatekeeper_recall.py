"""After each sweep: every release decided again, recalls put next to those that hold what is no longer permitted.

A dataset whose latest release is recalled is told, so that its own DAG builds a replacement: checked, shown to a person
where its declaration demands it, published. The last task fails while a withdrawal's deadline has passed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, AssetOrTimeSchedule, CronTriggerTimetable, task

from gatekeeper.airflow.alerts import within
from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, run_command

SWEPT = Asset("gatekeeper://swept")
HOURLY = CronTriggerTimetable("41 * * * *", timezone="UTC")
"""Also where sweeps fail: statements end by the clock alone, and a removal needs no sweep."""
RECALLED = AssetAlias("gatekeeper-recalled")
RETRYING = {"retries": RETRIES, "retry_delay": RETRY_DELAY, "retry_policy": RETRY_POLICY}

with DAG(
    dag_id="gatekeeper_recall",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=HOURLY, assets=[SWEPT]),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "gatekeeper"},
    tags=["gatekeeper", "rights", "releases"],
    deadline=within(timedelta(hours=1), "a recall: releases with withdrawn recordings are loaded meanwhile"),
):

    @task(outlets=[RECALLED], **RETRYING)
    def recall(outlet_events: Any = None) -> dict[str, Any]:
        found = run_command("recall")
        for needed in found["needs_replacement"]:
            if needed["waiting"] is None:
                told = {"latest": needed["latest"], "rights_position": found["rights_position"]}
                outlet_events[RECALLED].add(Asset(f"gatekeeper://datasets/{needed['dataset']}/recalled"), extra=told)
        return found

    @task(trigger_rule="all_done", **RETRYING)
    def deadlines() -> dict[str, Any]:
        return run_command("withdrawals")

    recall() >> deadlines()
