"""Runs in a process of its own, for Airflow's settings are those of the process: looks at the DAGs, or runs one.

``python -m tests.dags.in_airflow promises`` · ``… run DAG_ID``: the last line on standard output is the answer as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
from sqlalchemy import select

DAGS = Path(__file__).resolve().parents[2] / "dags"


def promises(bag: DagBag) -> dict[str, Any]:
    """What every DAG says of itself."""
    return {
        "errors": {Path(file).name: text for file, text in bag.import_errors.items()},
        "dags": {
            name: {
                "owner": dag.default_args.get("owner"),
                "tags": sorted(dag.tags),
                "catchup": dag.catchup,
                "max_active_runs": dag.max_active_runs,
                "doc": bool(dag.doc_md),
                "deadlines": [alert.interval.total_seconds() for alert in dag.deadline or ()],
                "tasks": {
                    task.task_id: {
                        "retries": task.retries,
                        "policy": None if task.retry_policy is None else task.retry_policy.serialize(),
                        "waits_s": wait and wait.total_seconds(),
                        "may_answer": getattr(task, "assigned_users", None),
                        "downstream": sorted(task.downstream_task_ids),
                    }
                    for task in dag.tasks
                    for wait in [getattr(task, "response_timeout", None)]
                },
            }
            for name, dag in bag.dags.items()
        },
    }


def run(bag: DagBag, dag_id: str) -> dict[str, Any]:
    """One run to its end, in this process."""
    dag = bag.dags[dag_id]
    # ``test`` runs a DAG that is not from Airflow's database, where a deadline has its id: at the end it looks for it
    dag.deadline = []
    done = dag.test()
    states = {ti.task_id: str(ti.state) for ti in done.get_task_instances()}
    return {"state": str(done.state), "tasks": states, "events": events_of(dag_id, done.run_id)}


def events_of(dag_id: str, run_id: str) -> list[str]:
    """The assets that a run told of."""
    with create_session() as session:
        told = select(AssetModel.uri).join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
        of_run = told.where(AssetEvent.source_dag_id == dag_id, AssetEvent.source_run_id == run_id)
        return sorted(session.scalars(of_run))


if __name__ == "__main__":
    loaded = DagBag(str(DAGS))
    answer = promises(loaded) if sys.argv[1] == "promises" else run(loaded, sys.argv[2])
    print("\n" + json.dumps(answer))
