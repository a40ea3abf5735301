"""A person's answer in Airflow: who may give it, who gave it, what follows.

Rules of this file: only an explicit, single *Approve* of somebody Airflow names is a yes; everything else is none.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from gatekeeper.airflow.command import AnswerIsNo

log = logging.getLogger(__name__)

APPROVERS = "GATEKEEPER_APPROVERS"
"""``id`` or ``id=name`` of Airflow's users, separated by commas. Unset: whoever may answer in Airflow at all."""


class AnswerOperator(ApprovalOperator):
    """An approval whose answer, yes or no, goes to the task after it: that records either, and ends the run at a no.

    The operator it is made from would skip that task at a no, and nothing of it would be on record.
    """

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        answered = HITLOperator.execute_complete(self, context, event)
        self.hitl_summary_extra["approved"] = answered["chosen_options"] == [self.APPROVE]
        return answered


@dataclass(frozen=True)
class Answer:
    """``by`` is the user's name, with the id where that is another."""

    approved: bool
    by: str
    because: str

    def end_if_no(self, build: str) -> None:
        """Raises ``AirflowSkipException``: a no is an answer, not a failure, and nothing after it runs."""
        if not self.approved:
            raise AirflowSkipException(f"{self.by} rejected {build}: {self.because}. Nothing is published.")


def answer_of(given: Any) -> Answer:
    """What the task that asked left behind. Raises ``AnswerIsNo`` where that is no answer of a person."""
    answer = given if isinstance(given, Mapping) else {}
    chosen, user = answer.get("chosen_options"), answer.get("responded_by_user") or {}
    name, id_ = user.get("name") or user.get("id"), user.get("id")
    if chosen not in ([ApprovalOperator.APPROVE], [ApprovalOperator.REJECT]) or not name:
        raise AnswerIsNo("nobody answered, or Airflow does not say who: nothing is published; run the DAG again")
    approved = chosen == [ApprovalOperator.APPROVE]
    because = (answer.get("params_input") or {}).get("because") or ""
    by = str(name) if id_ in (None, name) else f"{name} ({id_})"
    said = "approved" if approved else "rejected"
    return Answer(approved, by, because.strip() or f"{said} in Airflow, without a reason")


def approvers(environment: Mapping[str, str] = os.environ) -> list[dict[str, str]] | None:
    """Airflow's users who may answer, None where nobody is named."""
    named = [entry.strip() for entry in environment.get(APPROVERS, "").split(",") if entry.strip()]
    pairs = [entry.partition("=") for entry in named]
    return [{"id": id_, "name": name or id_} for id_, _, name in pairs] or None


def nobody_answered(context: Any) -> None:
    """In the log of the task that asked, when it failed."""
    log.error(
        "No answer in time, or the question could not be asked: nothing is published. What to do: run %s again, which "
        "builds on today's rights; or approve the candidate with `gatekeeper approve` and publish it.",
        context["dag"].dag_id,
    )
