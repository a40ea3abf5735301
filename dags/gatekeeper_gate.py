"""The gate in batches: everything on the content log is decided, recorded and folded, then the run ends.

Woken by events that wait on the topic (Kafka), or every few minutes (files). Datasets that gained rows are told,
so that their own DAGs may build. A gate that runs for ever (`gatekeeper gate`) needs none of this.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, AssetWatcher, task

from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, run_command
from gatekeeper.airflow.declared import reads_kafka, workspace_of
from gatekeeper.airflow.kafka_lag import KafkaLagTrigger

EVERY = "*/5 * * * *"
ADMITTED = AssetAlias("gatekeeper-admitted")


def waiting() -> Any:
    """When to run: events wait on the topic, or the clock says so."""
    workspace = workspace_of()
    if workspace is None or not reads_kafka(workspace):
        return EVERY
    watcher = AssetWatcher(name="content-lag", trigger=KafkaLagTrigger(str(workspace)))
    return [Asset("gatekeeper://content/waiting", watchers=[watcher])]


with DAG(
    dag_id="gatekeeper_gate",
    doc_md=__doc__,
    schedule=waiting(),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "gatekeeper"},
    tags=["gatekeeper", "gate"],
):

    @task(
        outlets=[ADMITTED],
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_policy=RETRY_POLICY,
        execution_timeout=timedelta(hours=6),
    )
    def drain(outlet_events: Any = None) -> dict[str, Any]:
        decided = run_command("gate", "--drain")
        permits: dict[str, int] = {}
        for row in decided["decisions"]:
            if row["verdict"] == "permit":
                permits[row["dataset"]] = permits.get(row["dataset"], 0) + row["count"]
        for name, count in permits.items():
            outlet_events[ADMITTED].add(Asset(f"gatekeeper://datasets/{name}/admitted"), extra={"rows": count})
        return decided

    drain()
