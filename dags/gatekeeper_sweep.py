"""When rights change: everything they touch is decided again, rows leave or enter the datasets.

Every few minutes, because statements also begin and end by the clock alone, without any event.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, task

from gatekeeper.airflow.alerts import within
from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, run_command

SWEPT = Asset("gatekeeper://swept")

with DAG(
    dag_id="gatekeeper_sweep",
    doc_md=__doc__,
    schedule="*/10 * * * *",
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
