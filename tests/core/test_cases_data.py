"""The decision cases themselves: what must hold of them before any program is asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from gatekeeper.core.decision import REASON_ORDER
from gatekeeper.core.policy import VOCABULARIES
from tests.core.cases import DECISIONS, load_cases

CASES = load_cases()

# Design §4: the reason codes, each with its verdict.
VERDICT_OF_REASON = {
    "claim.takedown": "deny",
    "claim.deletion": "deny",
    "claim.dispute": "deny",
    "claim.account_control": "deny",
    "agreement.prohibit": "deny",
    "agreement.permit": "permit",
    "consent.withdrawn": "deny",
    "consent.opt_in": "permit",
    "reservation.no_ai_tag": "deny",
    **{f"reservation.{vocabulary}": "deny" for vocabulary in VOCABULARIES if vocabulary != "tag"},
    "licence.prohibit": "deny",
    "licence.permit": "permit",
    "terms.prohibit": "deny",
    "terms.opt_in_required": "deny",
    "terms.unclear": "hold",
    "terms.permit": "permit",
    "no_permission": "deny",
    "title.missing_role": "hold",
    "evidence.unreadable": "hold",
    "evidence.unsupported": "hold",
    "evidence.unverified": "hold",
    "evidence.constrained": "hold",
    "evidence.conflicting": "hold",
    "evidence.stale": "hold",
}


def test_a_misspelled_key_is_an_error_that_names_the_case(tmp_path: Path) -> None:
    """A case with an unknown key is refused, with its file, its name and the key."""
    (tmp_path / "fixtures.yaml").write_text("rights: {}\ncontent: {}\n")
    (tmp_path / "typo.yaml").write_text("- {name: a, because: b, rights: [], content: [], use: {purpose: x}, att: x}\n")
    with pytest.raises(ValueError, match=r"typo\.yaml: a: unknown att"):
        load_cases(tmp_path)


def test_a_case_that_leaves_out_what_it_must_say_is_refused(tmp_path: Path) -> None:
    """A case without an expectation proves nothing and is refused."""
    (tmp_path / "fixtures.yaml").write_text("rights: {}\ncontent: {}\n")
    (tmp_path / "half.yaml").write_text("- {name: a, because: b, rights: [], content: [], use: {purpose: x}, at: x}\n")
    with pytest.raises(ValueError, match="missing expect"):
        load_cases(tmp_path)


def test_norway_is_a_country_and_times_stay_text(tmp_path: Path) -> None:
    """Unquoted NO is the territory of Norway, and an unquoted time keeps its microseconds."""
    (tmp_path / "fixtures.yaml").write_text("rights: {}\ncontent: {}\n")
    (tmp_path / "norway.yaml").write_text(
        "- name: a\n  because: b\n  rights: []\n"
        "  content: [{type: content.removed, time: 2025-01-01T00:00:00Z, data: {asset_id: a, account_id: b}}]\n"
        "  use: {purpose: service, territories: [NO]}\n  at: 2025-01-01T00:00:00.000001Z\n"
        "  expect: {verdict: deny, reason: no_permission, holder: null}\n"
    )
    (case,) = load_cases(tmp_path)
    assert case.territories == ("NO",)
    assert case.at_us == 1_735_689_600_000_001


@pytest.mark.parametrize("theme", sorted({case.theme for case in CASES}))
def test_negative_cases_come_first(theme: str) -> None:
    """In every file the denials and holds stand before the permits."""
    permits = [case.expect.verdict == "permit" for case in CASES if case.theme == theme]
    assert permits == sorted(permits)
    assert not permits[0]


def test_there_are_cases_enough_and_no_name_twice() -> None:
    """At least 110 cases, each known by one name."""
    assert len(CASES) >= 110
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []


def test_every_case_says_why() -> None:
    """``because`` is a sentence, not a word."""
    assert [case.id for case in CASES if len(case.because.split()) < 5] == []


def test_every_reason_code_is_expected_by_some_case_with_its_own_verdict() -> None:
    """Every reason code is expected by a case, and none with a verdict that is not its own."""
    assert set(VERDICT_OF_REASON) == set(REASON_ORDER)
    expected = {(case.expect.reason, case.expect.verdict) for case in CASES}
    assert expected == set(VERDICT_OF_REASON.items())


def test_every_shipped_terms_fixture_is_the_shipped_terms() -> None:
    """The fixtures state the terms the package ships, word for word."""
    shipped = Path(__file__).parents[2] / "gatekeeper" / "shipped" / "policy" / "terms.yaml"
    fixtures = yaml.safe_load((DECISIONS / "fixtures.yaml").read_text())["rights"]
    for terms, name in zip(yaml.safe_load(shipped.read_text()), ("terms_2024", "terms_2025"), strict=True):
        data = fixtures[name]["data"]
        assert {**data, "effective_from": None} == {**terms, "effective_from": None}
        assert data["effective_from"].strftime("%Y-%m-%dT%H:%M:%SZ") == terms["effective_from"]
