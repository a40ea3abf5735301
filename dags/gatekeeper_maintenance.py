"""Keeping the lake quick: small files are merged every night, rows that left a dataset are deleted after the grace."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, run_command

with DAG(
    dag_id="gatekeeper_maintenance",
    doc_md=__doc__,
    schedule="17 3 * * *",
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "gatekeeper"},
    tags=["gatekeeper", "maintenance"],
):

    @task(retries=RETRIES, retry_delay=RETRY_DELAY, retry_policy=RETRY_POLICY)
    def maintain() -> dict[str, Any]:
        return run_command("maintain")

    maintain()
