"""The policy as data: what is refused when it is read, and what its digest stands for."""

from __future__ import annotations

import copy
from importlib.resources import files
from typing import Any

import pytest
import yaml

from gatekeeper.core.policy import digest_of, read_policy
from gatekeeper.errors import BadInput

SHIPPED: dict[str, Any] = yaml.safe_load((files("gatekeeper") / "shipped/policy/policy.yaml").read_text("utf-8"))


def _changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SHIPPED), **changes}


def _signals(readers: int = 1, columns: Any = None, rows: Any = None, drop: str = "") -> dict[str, Any]:
    """The shipped table with something wrong in it."""
    table = copy.deepcopy(SHIPPED["signals"])
    terms = {**table["terms"], **(rows or {})}
    terms.pop(drop, None)
    return {"signals": {"readers": readers, "columns": columns or table["columns"], "terms": terms}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"purposes": {}}, "unknown purpose"),
        ({"layers": ["claim", "agreement"]}, "layers"),
        ({"layers": []}, "layers"),
        ({"wishes_tiers": [["asset", "isrc"]]}, "wishes_tiers"),
        ({"claims": {"takedown": ["*"]}}, "claims"),
        ({"claims": {**SHIPPED["claims"], "dispute": []}}, "stops nothing"),
        ({"claims": {**SHIPPED["claims"], "dispute": ["trainning"]}}, "unknown purpose trainning"),
        ({"reservations": {"no_ai_tag": ["training"]}}, "reservations"),
        ({"purposes": {**SHIPPED["purposes"], "research.private": None}}, "needs its parent research"),
        ({"licences": [{"names": ["CC0"]}, {"names": ["CC0"]}]}, "two rows"),
        ({"required_roles": {"training.art": ["recording"]}}, "unknown purpose training.art"),
        (_signals(readers=2), "signals.readers is 2, this program reads with version 1"),
        (_signals(columns=["training.art"]), "signals: unknown purpose training.art"),
        (_signals(drop="tdmrep/mine"), "signals lacks tdmrep/mine"),
        (_signals(rows={"tdmrep/dig": ["none"] * 6}), "no reader knows tdmrep/dig"),
        (_signals(rows={"tdmrep/mine": ["exact"]}), "1 cells for 6 columns"),
        (_signals(rows={"tdmrep/mine": ["exactly"] * 6}), "exactly is none of"),
        (_signals(rows={"tdmrep/mine": ["none", "exact", "none", "wider", "none", "none"]}), "a no to training covers"),
        ({"signals": {"readers": 1, "columns": ["training"]}}, "terms"),
        ({"licence_spellings": {"families": {"example.org": {"codes": {"by": "CC-BY"}}}}}, "versions"),
    ],
)
def test_an_incomplete_policy_is_refused(changes: dict[str, Any], told: str) -> None:
    """An empty or misspelled table is a mistake that is named, never a permission."""
    with pytest.raises(BadInput, match=told):
        read_policy(_changed(**changes))


def test_a_missing_table_is_refused() -> None:
    """A policy without one of its tables is refused with the table's name."""
    broken = _changed()
    del broken["claims"]
    with pytest.raises(BadInput, match="claims"):
        read_policy(broken)


def test_the_digest_follows_the_words_not_the_spelling() -> None:
    """Key order does not make a new policy; a changed word does."""
    reordered = dict(reversed(list(SHIPPED.items())))
    assert digest_of(reordered) == digest_of(SHIPPED)
    assert digest_of(_changed(layers=list(reversed(SHIPPED["layers"])))) != digest_of(SHIPPED)


def test_the_star_is_every_purpose() -> None:
    """A takedown stops every root of the tree, so everything beneath them too."""
    policy = read_policy(SHIPPED)
    assert set(policy.claims["takedown"]) == {"service", "training", "external"}
