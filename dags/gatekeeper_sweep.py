"""When rights change: everything they touch is decided again, rows leave or enter the datasets.

Woken by rights events and by the instants at which statements begin or end by the clock alone, without any event; and
every ten minutes, should nobody be woken.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, task

from gatekeeper.airflow.alerts import within
from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, run_command
from gatekeeper.airflow.declared import workspace_of
from gatekeeper.airflow.rights_moved import RightsMovedTrigger

SWEPT = Asset("gatekeeper://swept")
EVERY = CronTriggerTimetable("*/10 * * * *", timezone="UTC")


def moved() -> Asset:
    """Rights that a sweep has not reached."""
    workspace = workspace_of()
    trigger = None if workspace is None else RightsMovedTrigger(str(workspace))
    watchers = [] if trigger is None else [AssetWatcher(name="rights-moved", trigger=trigger)]
    return Asset("gatekeeper://rights/moved", watchers=watchers)


with DAG(
    dag_id="gatekeeper_sweep",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=EVERY, assets=[moved()]),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "gatekeeper"},
    tags=["gatekeeper", "rights"],
    deadline=within(timedelta(minutes=30), "a sweep: withdrawn rows stay in the dataset tables meanwhile"),
):

    @task(outlets=[SWEPT], retries=RETRIES, retry_delay=RETRY_DELAY, retry_policy=RETRY_POLICY)
    def sweep() -> dict[str, Any]:
        return run_command("sweep")

    sweep()
