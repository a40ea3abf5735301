"""The rights review's pages, served by Airflow's API server.

Rules of this file: whoever may see a DAG's runs in Airflow may see their review, nobody else (Airflow's own dependency
asks); what is shown is what a ``gatekeeper`` command answers, run in a process of its own, so that a large lake never
costs the API server its memory; nothing here writes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.middleware.base import RequestResponseEndpoint

from gatekeeper.airflow.command import CommandFailed, WrongUse, run_command
from gatekeeper.airflow.pages import explain_page, message_page, place, review_page

DATASET_DAG = "gatekeeper_dataset_"
TASKS = ("build", "check", "review", "approve", "record", "publish")
COMMANDS_AT_ONCE = 2
"""Each takes a processor and some hundred megabytes for a moment."""
ASSET_CHARACTERS_MAX = 512
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'self'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MAY_SEE = Depends(requires_access_dag("GET", DagAccessEntity.RUN))

_running = threading.BoundedSemaphore(COMMANDS_AT_ONCE)


def site() -> FastAPI:
    """The application that is mounted under the plugin's prefix."""
    made = FastAPI(title="Gatekeeper's rights review", docs_url=None, redoc_url=None, openapi_url=None)
    made.middleware("http")(_with_headers)
    made.get("/review.css")(_style)
    made.get("/review/{dag_id}/{run_id}", dependencies=[MAY_SEE], response_class=HTMLResponse)(_review)
    made.get("/review/{dag_id}/{run_id}/explain", dependencies=[MAY_SEE], response_class=HTMLResponse)(_explain)
    return made


async def _with_headers(request: Request, proceed: RequestResponseEndpoint) -> Response:
    response = await proceed(request)
    response.headers.update(HEADERS)
    return response


def _style() -> Response:
    style = files("gatekeeper.airflow") / "templates" / "review.css"
    return Response(style.read_bytes(), media_type="text/css")


def _review(request: Request, dag_id: str, run_id: str, session: SessionDep) -> HTMLResponse:
    root = _root(request)
    if not dag_id.startswith(DATASET_DAG):
        text = "This DAG makes no dataset. Runs of a dataset's own DAG have something to review."
        return HTMLResponse(message_page("Nothing to review here", text, root, dag_id))
    states = _states(session, dag_id, run_id)
    tasks = [(task, states[task]) for task in TASKS if task in states]
    build = _build(session, dag_id, run_id)
    if build is None:
        text = "There is no candidate yet. If the task build has failed, its log says why and what to do."
        return HTMLResponse(message_page("Nothing to review yet", text, root, dag_id, tasks))

    def page() -> str:
        return review_page(_ask("review", build), root, dag_id, run_id)

    return _page(page, root, dag_id, tasks)


def _explain(
    request: Request,
    dag_id: str,
    run_id: str,
    asset: Annotated[str, Query(min_length=1, max_length=ASSET_CHARACTERS_MAX)],
) -> HTMLResponse:
    root, dataset = _root(request), dag_id.removeprefix(DATASET_DAG)
    back = place(root, dag_id, run_id)

    def page() -> str:
        return explain_page(_ask("explain", "--dataset", dataset, "--", asset), root, back)

    return _page(page, root, dag_id, back=back)


def _page(
    made: Callable[[], str], root: str, dag_id: str, tasks: list[tuple[str, str | None]] | None = None, back: str = ""
) -> HTMLResponse:
    """A command that failed says so, in its own words."""
    try:
        return HTMLResponse(made())
    except CommandFailed as failed:
        status = 404 if isinstance(failed, WrongUse) else 503
        page = message_page("This could not be shown", str(failed), root, dag_id, tasks or (), back)
        return HTMLResponse(page, status_code=status)


def _ask(*arguments: str) -> dict[str, Any]:
    with _running:
        return run_command(*arguments)


def _root(request: Request) -> str:
    """The prefix under which Airflow serves this application."""
    root: str = request.scope["root_path"]
    return root


def _states(session: Session, dag_id: str, run_id: str) -> dict[str, str | None]:
    asked = select(TaskInstance.task_id, TaskInstance.state)
    rows = session.execute(asked.where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id))
    return {task: None if state is None else str(state) for task, state in rows}


def _build(session: Session, dag_id: str, run_id: str) -> str | None:
    """The name of the run's candidate, as its first task told it; None before that."""
    asked = XComModel.get_many(run_id=run_id, key="return_value", task_ids="build", dag_ids=dag_id, limit=1)
    found: Any = session.scalars(asked).first()
    told = None if found is None else found.value
    answer = json.loads(told) if isinstance(told, str) else told
    return str(answer["build"]) if isinstance(answer, dict) and "build" in answer else None
