"""Results of a check: what passes, and everything that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.core.quality import Met, Offending, Results, passed_for, read_results, results_bytes

DIGEST = "sha256:" + "a" * 64
MET = Met("identity", True, "critical", "each id once", "build again", 4)
FAILED = Met("identity", False, "critical", "each id once", "build again", 4, (Offending("b", "twice"),), 1)


def results(*expectations: Met) -> Results:
    return Results("d@v", DIGEST, "2025-06-20T12:00:00Z", 7, DIGEST, expectations, {"great_expectations": "1"})


def test_a_result_reads_back_as_it_was_written() -> None:
    """Failures and their rows included."""
    for one in (results(MET), results(MET, FAILED)):
        assert read_results(results_bytes(one)) == one


def test_a_complete_result_of_this_manifest_passes() -> None:
    """A failed warning does not block."""
    warned = replace(FAILED, severity="warning")
    assert passed_for(results_bytes(results(MET)), DIGEST)
    assert passed_for(results_bytes(results(MET, warned)), DIGEST)


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (None, DIGEST),
        (b"", DIGEST),
        (b"{}", DIGEST),
        (b"[]", DIGEST),
        (results_bytes(results()), DIGEST),
        (results_bytes(results(MET, FAILED)), DIGEST),
        (results_bytes(results(MET)), "sha256:" + "b" * 64),
        (results_bytes(results(MET))[:-2], DIGEST),
    ],
)
def test_anything_else_does_not_pass(data: bytes | None, digest: str) -> None:
    """None, unreadable, empty, failed, of another manifest, torn."""
    assert not passed_for(data, digest)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(passed=True),
        lambda d: d["expectations"][0].update(passed="false"),
        lambda d: d["expectations"][0].update(severity="note"),
        lambda d: d["expectations"][0].update(severity=None),
        lambda d: d.update(format=2),
        lambda d: d.update(expectations=None),
        lambda d: d.update(more=1),
    ],
)
def test_an_edited_result_does_not_pass(change: Callable[[dict[str, Any]], object]) -> None:
    """Not even one whose verdict alone was changed."""
    document = json.loads(results_bytes(results(FAILED)))
    change(document)
    assert not passed_for((json.dumps(document, sort_keys=True, indent=2) + "\n").encode(), DIGEST)
