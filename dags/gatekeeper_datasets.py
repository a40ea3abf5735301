"""One DAG for each declared dataset: build → check → review → a person's yes → publish.

Generated from `datasets/*.yaml` of the workspace that `GATEKEEPER_WORKSPACE` names. Every task is one `gatekeeper`
command; what fails can be repeated in a shell. A blocked gate is never retried, and neither a rejection nor a time-out
publishes anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Asset, Param, task

from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, AnswerIsNo, WrongUse, run_command
from gatekeeper.airflow.declared import Declared, declared_datasets, workspace_of

APPROVE_WITHIN = timedelta(days=3)
RETRYING = {"retries": RETRIES, "retry_delay": RETRY_DELAY, "retry_policy": RETRY_POLICY}


def admitted(name: str) -> Asset:
    """New permitted rows of a dataset; the gate's DAG says so."""
    return Asset(f"gatekeeper://datasets/{name}/admitted")


def release(name: str) -> Asset:
    """A release of a dataset."""
    return Asset(f"gatekeeper://datasets/{name}/releases")


def dataset_dag(declared: Declared) -> DAG:
    """The DAG of one dataset; on its schedule, or when rows were admitted."""
    with DAG(
        dag_id=f"gatekeeper_dataset_{declared.name}",
        description=declared.description,
        doc_md=f"{__doc__}\nPurpose: `{declared.purpose}`. Approval: {'yes' if declared.needs_approval else 'no'}.",
        schedule=declared.schedule or [admitted(declared.name)],
        catchup=False,
        max_active_runs=1,
        default_args={"owner": declared.owner},
        tags=["gatekeeper", "dataset", declared.purpose or "no purpose"],
    ) as dag:
        built = build(declared)
        passed = check(built)
        if declared.needs_approval:
            asked = ApprovalOperator(
                task_id="approve",
                subject=f"Publish {declared.name}? {{{{ ti.xcom_pull(task_ids='build')['build'] }}}}",
                body="{{ ti.xcom_pull(task_ids='review')['markdown'] }}",
                params={"because": Param("", type="string", title="Because", description="goes into the manifest")},
                response_timeout=APPROVE_WITHIN,
                owner=declared.owner,
            )
            review(built, passed) >> asked >> record(built) >> publish(declared, built)
        else:
            review(built, passed) >> publish(declared, built)
    return dag


def build(declared: Declared) -> Any:
    @task(task_id="build", **RETRYING)
    def body() -> dict[str, Any]:
        if declared.problem is not None:
            raise WrongUse(declared.problem)
        return run_command("build", declared.name)

    return body()


@task(**RETRYING)
def check(built: dict[str, Any]) -> dict[str, Any]:
    return run_command("check", built["build"])


@task(**RETRYING)
def review(built: dict[str, Any], passed: dict[str, Any]) -> dict[str, Any]:
    del passed  # only after a check that passed is there anything to review
    return run_command("review", built["build"])


@task(task_id="record", **RETRYING)
def record(built: dict[str, Any], ti: Any = None) -> dict[str, Any]:
    """Who said yes, and why, bound to the digest of the candidate's manifest."""
    answer = ti.xcom_pull(task_ids="approve")
    if answer["chosen_options"] != [ApprovalOperator.APPROVE]:
        raise AnswerIsNo("nobody approved this build")
    who = (answer.get("responded_by_user") or {}).get("name") or "somebody Airflow does not name"
    because = (answer.get("params_input") or {}).get("because") or "approved in Airflow, without a reason"
    return run_command("approve", built["build"], "--by", who, "--because", because)


def publish(declared: Declared, built: Any) -> Any:
    outlet = release(declared.name)

    @task(task_id="publish", outlets=[outlet], **RETRYING)
    def body(built: dict[str, Any], outlet_events: Any = None) -> dict[str, Any]:
        published = run_command("publish", built["build"])
        outlet_events[outlet].extra = {name: published.get(name) for name in ("release", "rows", "rights_position")}
        return published

    return body(built)


for each in declared_datasets(workspace_of()):
    globals()[f"gatekeeper_dataset_{each.name}"] = dataset_dag(each)
