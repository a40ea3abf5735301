"""What is held, from the record of decisions."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.core.decision import REASON_ORDER
from gatekeeper.core.layout import DECISIONS
from gatekeeper.edges.delta import Lake
from gatekeeper.stages.holds import EXAMPLES_MAX, WHO, Held, held
from tests.stages.lake_writing import decide


def _held(root: Path, datasets: list[str] | None = None) -> list[Held]:
    return held(Lake(root).open(DECISIONS), datasets)


def test_what_was_resolved_is_not_held(tmp_path: Path) -> None:
    """Only the last decision counts, in commit order and then by offset, also against a smaller offset."""
    decide(tmp_path, {"asset_id": "swept", "offset": 9}, {"asset_id": "again", "offset": 1, "verdict": "permit"})
    decide(tmp_path, {"asset_id": "swept", "offset": 9, "verdict": "permit", "driver": "sweep"})
    decide(tmp_path, {"asset_id": "again", "offset": 5, "verdict": "deny"}, {"asset_id": "again", "offset": 4})
    assert _held(tmp_path) == []


def test_a_dataset_that_is_retired_holds_nothing(tmp_path: Path) -> None:
    """Its old decisions are no work for anybody."""
    decide(tmp_path, {"dataset": "gone"}, {"dataset": "here"})
    assert [group.datasets for group in _held(tmp_path, ["here"])] == [("here",)]


def test_groups_are_by_reason_and_holder_the_largest_first(tmp_path: Path) -> None:
    """Each (asset, dataset) counts; examples are few and each asset stands once."""
    decide(
        tmp_path,
        *({"asset_id": f"a{n}", "dataset": dataset} for n in range(EXAMPLES_MAX + 1) for dataset in ("d", "e")),
        {"asset_id": "b", "reason": "title.missing_role", "holder": None},
        {"asset_id": "c", "holder": "party:p"},
        {"asset_id": "no", "verdict": "deny", "reason": "no_permission"},
    )
    groups = _held(tmp_path)
    assert [(g.reason, g.holder, g.assets) for g in groups] == [
        ("terms.unclear", "account:n", 2 * (EXAMPLES_MAX + 1)),
        ("terms.unclear", "party:p", 1),
        ("title.missing_role", None, 1),
    ]
    assert groups[0].examples == ("a0", "a1", "a2")
    assert groups[0].datasets == ("d", "e")


def test_every_hold_reason_has_somebody_who_could_resolve_it() -> None:
    """Whoever adds a reason says whose work it is."""
    holds = {r for r in REASON_ORDER if r.startswith(("evidence.", "title.")) or r == "terms.unclear"}
    assert holds == WHO.keys()
