"""The page a reviewer reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gatekeeper.core.manifest import Basis, Counts, Manifest
from gatekeeper.core.review import SHOWN_MAX, review_markdown

BASIS = Basis(57, "sha256:" + "0" * 64, "2025-06-20T12:00:00Z", "terms-2025", {"catalog": 3})


def manifest(rows: int = 2, **counts: dict[str, int]) -> Manifest:
    told = {"permitted": {"consent.opt_in": rows}, "by_layer": {"wishes": rows}, "refused": {}, **counts}
    return Manifest(
        build="voices@1",
        dataset="voices",
        version="1",
        declaration={"name": "voices"},
        declaration_digest="sha256:" + "1" * 64,
        purpose="training.generative.replication",
        territories=(),
        model=None,
        basis=BASIS,
        rows=rows,
        schema={"asset_id": "string"},
        files=(),
        counts=Counts(**told),
        tool="gatekeeper 0",
    )


def quality(**more: Any) -> dict[str, Any]:
    expectation = {"name": "every_row_is_permitted", "passed": True, "offending": [], "offending_count": 0}
    return {"passed": True, "expectations": [expectation | more]}


def test_what_was_not_checked_says_so() -> None:
    """Nobody takes a missing result for a good one."""
    assert "**Not checked.**" in review_markdown(manifest(), None, None)


def test_a_blocked_candidate_names_the_rows() -> None:
    """Ids and reasons, a few of them; the word is there without any colour."""
    offending = [{"asset_id": f"song-{n}", "reason": "claim.takedown"} for n in range(SHOWN_MAX + 5)]
    told = quality(passed=False, offending=offending, offending_count=len(offending)) | {"passed": False}
    page = review_markdown(manifest(), told, None)
    assert "Quality gate: **blocked**" in page
    assert "**failed**" in page
    assert page.count("claim.takedown") == SHOWN_MAX


def test_a_result_that_does_not_say_it_passed_did_not() -> None:
    """Anything but true is no."""
    assert "**blocked**" in review_markdown(manifest(), {"expectations": []}, None)
    assert "**failed**" in review_markdown(manifest(), quality(passed="yes"), None)


def test_an_id_cannot_write_the_page() -> None:
    """Line breaks and bars of an asset id stay inside their line."""
    offending = [{"asset_id": "song\n# Approved |", "reason": "x"}]
    page = review_markdown(manifest(), quality(passed=False, offending=offending), None)
    assert "\n# Approved" not in page


def test_the_difference_to_the_last_release() -> None:
    """By reason, and altogether; a reason that is gone is shown too."""
    last = manifest(5, permitted={"consent.opt_in": 4, "licence.permit": 1})
    page = review_markdown(manifest(2), quality(), replace(last, version="0"))
    assert "## Against voices@0" in page
    assert "| `consent.opt_in` | 4 | 2 | -2 |" in page
    assert "| `licence.permit` | 1 | 0 | -1 |" in page
    assert "| all | 5 | 2 | -3 |" in page


def test_the_first_release_has_nothing_to_differ_from() -> None:
    """And what was left out is counted by reason."""
    page = review_markdown(manifest(2, refused={"consent.withdrawn": 3}), quality(), None)
    assert "this would be the first" in page
    assert "| `consent.withdrawn` | 3 |" in page
