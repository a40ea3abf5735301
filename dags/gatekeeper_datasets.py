"""One DAG for each declared dataset: build → check → review → a person's yes → publish.

Generated from `datasets/*.yaml` of the workspace that `GATEKEEPER_WORKSPACE` names. Every task is one `gatekeeper`
command; what fails can be repeated in a shell. A blocked gate is never retried, and neither a rejection nor a time-out
publishes anything. The run's tab *Rights review* shows what came in, what was refused and why.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, task

from gatekeeper.airflow.answers import Answer, AnswerOperator, answer_of, approvers, nobody_answered
from gatekeeper.airflow.command import RETRIES, RETRY_DELAY, RETRY_POLICY, WrongUse, run_command
from gatekeeper.airflow.declared import Declared, declared_datasets, workspace_of

RETRYING = {"retries": RETRIES, "retry_delay": RETRY_DELAY, "retry_policy": RETRY_POLICY}
VERSION = Param(
    None, type=["null", "string"], title="Version", description="name of the release; by default its instant"
)
TAB = "/dags/{{ dag.dag_id }}/runs/{{ run_id | urlencode }}/plugin/rights_review"
"""The run's tab, where Airflow is served from the root of its host."""
BECAUSE = Param("", type="string", title="Because", description="goes into the release's manifest, with your name")


def admitted(name: str) -> Asset:
    """New permitted rows of a dataset; the gate's DAG says so."""
    return Asset(f"gatekeeper://datasets/{name}/admitted")


def recalled(name: str) -> Asset:
    """The latest release of a dataset is recalled, and nothing waits to replace it; the recall's DAG says so."""
    return Asset(f"gatekeeper://datasets/{name}/recalled")


def when(declared: Declared) -> Any:
    """On the declaration's schedule, else when rows were admitted; and when its latest release is recalled."""
    if declared.schedule is None:
        return admitted(declared.name) | recalled(declared.name)
    timetable = CronTriggerTimetable(declared.schedule, timezone="UTC")
    timetable.validate()  # beside assets nobody else would
    return AssetOrTimeSchedule(timetable=timetable, assets=[recalled(declared.name)])


def release(name: str) -> Asset:
    """A release of a dataset."""
    return Asset(f"gatekeeper://datasets/{name}/releases")


def dataset_dag(declared: Declared) -> DAG:
    """The DAG of one dataset."""
    with DAG(
        dag_id=f"gatekeeper_dataset_{declared.name}",
        description=declared.description,
        doc_md=f"{__doc__}\nPurpose: `{declared.purpose}`. Approval: {'yes' if declared.needs_approval else 'no'}.",
        schedule=when(declared),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": declared.owner},
        params={"version": VERSION},
        tags=["gatekeeper", "dataset", declared.purpose or "no purpose"],
        auto_register=False,  # only what turned out to be valid is named below
    ) as dag:
        built = build(declared)
        reviewed = review(built, check(built))
        if declared.needs_approval:
            reviewed >> ask(declared) >> record(reviewed) >> publish(declared, built)
        else:
            reviewed >> publish(declared, built)
    return dag


def build(declared: Declared) -> Any:
    @task(task_id="build", **RETRYING)
    def body(params: dict[str, Any] | None = None) -> dict[str, Any]:
        if declared.problem is not None:
            raise WrongUse(declared.problem)
        version = (params or {}).get("version")
        return run_command("build", declared.name, *(("--version", version) if version else ()))

    return body()


@task(**RETRYING)
def check(built: dict[str, Any]) -> dict[str, Any]:
    return run_command("check", built["build"])


@task(**RETRYING)
def review(built: dict[str, Any], passed: dict[str, Any]) -> dict[str, Any]:
    del passed  # only after a check that passed is there anything to review
    return run_command("review", built["build"])


def ask(declared: Declared) -> AnswerOperator:
    return AnswerOperator(
        task_id="approve",
        subject=f"Publish {declared.name}? {{{{ ti.xcom_pull(task_ids='build')['build'] }}}}",
        body=f"[Everything behind these numbers]({TAB})\n\n{{{{ ti.xcom_pull(task_ids='review')['markdown'] }}}}",
        params={"because": BECAUSE},
        assigned_users=approvers(),
        response_timeout=timedelta(hours=declared.approve_within_h),
        on_failure_callback=nobody_answered,
        owner=declared.owner,
    )


@task(**RETRYING)
def record(reviewed: dict[str, Any], ti: Any = None) -> dict[str, Any]:
    """Who said yes or no, and why, bound to the manifest that was shown. A no ends the run here."""
    answer: Answer = answer_of(ti.xcom_pull(task_ids="approve"))
    said = ("--by", answer.by, "--because", answer.because, "--manifest", reviewed["manifest"])
    recorded = run_command("approve", reviewed["build"], *said, *(() if answer.approved else ("--reject",)))
    answer.end_if_no(reviewed["build"])
    return recorded


def publish(declared: Declared, built: Any) -> Any:
    outlet = release(declared.name)

    @task(task_id="publish", outlets=[outlet], **RETRYING)
    def body(built: dict[str, Any], outlet_events: Any = None) -> dict[str, Any]:
        published = run_command("publish", built["build"])
        outlet_events[outlet].extra = {name: published.get(name) for name in ("release", "rows", "rights_position")}
        return published

    return body(built)


def dag_of(declared: Declared) -> DAG:
    """A declaration that Airflow cannot schedule costs its own DAG, which says so, and no other."""
    try:
        made = dataset_dag(declared)
        made.validate()
        return made
    except Exception as problem:  # noqa: BLE001 (a schedule that is none fails in many ways)
        return dataset_dag(Declared(declared.name, problem=f"{declared.name}.yaml cannot be scheduled: {problem}"))


for each in declared_datasets(workspace_of()):
    globals()[f"gatekeeper_dataset_{each.name}"] = dag_of(each)
