"""What counts as a person's answer in Airflow."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from gatekeeper.airflow.answers import Answer, answer_of, approvers
from gatekeeper.airflow.command import AnswerIsNo

ANN = {"id": "ann", "name": "ann"}


def given(chosen: Any, user: Any = ANN, because: str | None = "read it") -> dict[str, Any]:
    inputs = {} if because is None else {"because": because}
    return {"chosen_options": chosen, "responded_by_user": user, "params_input": inputs}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "Approve",
        given([]),
        given(None),
        given("Approve"),
        given(["approve"]),
        given(["Approve", "Reject"]),
        given(["Approve", "Approve"]),
        given(["Approve"], user=None),
        given(["Approve"], user={}),
        given(["Approve"], user={"id": None, "name": ""}),
    ],
)
def test_what_is_no_answer_is_no_yes(answer: Any) -> None:
    """Nothing, several, something like it, and an answer of nobody (as a time-out with a default gives) end the run."""
    with pytest.raises(AnswerIsNo, match="nothing is published"):
        answer_of(answer)


def test_a_yes_says_who_and_why() -> None:
    """The name as people know it, the id where that is another; a reason even where none was typed."""
    assert answer_of(given(["Approve"])) == Answer(True, "ann", "read it")
    assert answer_of(given(["Approve"], {"id": "7", "name": "Ann Abel"})).by == "Ann Abel (7)"
    for nothing in (None, "", "  "):
        assert answer_of(given(["Approve"], because=nothing)).because == "approved in Airflow, without a reason"


def test_a_no_ends_the_run_without_failing_it() -> None:
    """A rejection is an answer: what comes after it is skipped, and the log says whose no it was."""
    no = answer_of(given(["Reject"], because="two takedowns are open"))
    with pytest.raises(AirflowSkipException, match=r"ann rejected d@1: two takedowns are open"):
        no.end_if_no("d@1")
    answer_of(given(["Approve"])).end_if_no("d@1")


def test_approvers_are_read_from_the_environment() -> None:
    """Separated by commas; nobody named is nobody restricted."""
    assert approvers({}) is None
    assert approvers({"GATEKEEPER_APPROVERS": " , "}) is None
    assert approvers({"GATEKEEPER_APPROVERS": "7=Ann Abel,ben"}) == [
        {"id": "7", "name": "Ann Abel"},
        {"id": "ben", "name": "ben"},
    ]
