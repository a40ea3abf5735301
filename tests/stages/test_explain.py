"""Evidence, and the asset a decision is explained for."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.asset import asset_of
from gatekeeper.core.policy import read_policy
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.core.use import Declaration, Use
from gatekeeper.errors import BadInput
from gatekeeper.stages.explain import (
    Evidence,
    Known,
    Licence,
    as_document,
    latest,
    licence_of,
    parse_evidence,
    signals_of,
    tell,
)
from tests.core.comparing import shipped_policy


def _rows(*rows: dict[str, object]) -> pa.Table:
    plain = {"asset_id": "a", "account_id": "n", "type": "content.published", "partition": 0, "time": 0}
    return pa.Table.from_pylist([{**plain, **row} for row in rows], schema=CONTENT_SCHEMA)


@pytest.mark.parametrize(
    "text", ["", "rights:1", "@1#0123456789ab", "rights:1@x#0123456789ab", "rights:1@1#0123", "a@1#b"]
)
def test_what_is_no_evidence_is_refused(text: str) -> None:
    """Statement, position and twelve digits: nothing may be missing."""
    with pytest.raises(BadInput, match="no evidence"):
        parse_evidence(text)


@given(st.text(min_size=1), st.integers(0, 2**53), st.text("0123456789abcdef", min_size=12, max_size=12))
def test_evidence_is_read_as_it_is_written(statement: str, position: int, policy: str) -> None:
    """Also where the statement (a licence's name) holds the very signs that separate the parts."""
    assert parse_evidence(f"{statement}@{position}#{policy}") == Evidence(statement, position, policy)


def test_an_asset_without_events_is_bad_input() -> None:
    """Nothing is explained about what nobody published."""
    with pytest.raises(BadInput, match="'b'"):
        latest(_rows({"offset": 0}), "b")


def test_the_highest_offset_is_the_latest() -> None:
    """Not the latest time, and not another asset's."""
    rows = _rows({"offset": 2, "time": 5}, {"offset": 3, "time": 1}, {"offset": 9, "asset_id": "b"})
    event, asset = latest(rows, "a")
    assert (event["offset"], asset.removed_by, asset.conflicting) == (3, None, False)


def test_a_removal_before_it_covers_an_event_that_is_not_newer() -> None:
    """As the stream would have known it."""
    rows = _rows({"offset": 2, "time": 5, "type": "content.removed"}, {"offset": 3, "time": 5})
    assert latest(rows, "a")[1].removed_by == 2


def test_events_in_two_partitions_are_in_conflict() -> None:
    """Nobody can say which is the latest; the higher offset is shown, as in conflict."""
    event, asset = latest(_rows({"offset": 2}, {"offset": 3, "partition": 1}), "a")
    assert (event["partition"], asset.conflicting) == (1, True)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (None, None),
        ("all rights reserved", Licence("all rights reserved", None, in_table=False)),
        (
            "http://creativecommons.org/licenses/by-nd-nc/1.0/fi/",
            Licence("http://creativecommons.org/licenses/by-nd-nc/1.0/fi/", "CC-BY-NC-ND-1.0-FI", in_table=False),
        ),
        (
            "https://creativecommons.org/publicdomain/zero/1.0/deed.de",
            Licence("https://creativecommons.org/publicdomain/zero/1.0/deed.de", "CC0-1.0", in_table=True),
        ),
    ],
)
def test_an_explanation_tells_which_licence_a_spelling_is(spelling: str | None, expected: Licence | None) -> None:
    """Its id, and whether the policy's table names it."""
    event = _rows({"offset": 0, "licence": spelling}).to_pylist()[0]
    declaration = Declaration("d", Use("training.generative"), "sha256:0", {})
    known = Known(read_policy(shipped_policy()), declaration, [], [], 0, 0)
    told = tell(event, asset_of(event), known)
    assert licence_of(told) == expected
    assert (as_document(told)["licence"] or {}).get("id") == (expected.id if expected else None)


def test_an_explanation_tells_how_each_signal_was_read() -> None:
    """In its own words, with the term and the reason; under a policy without readers, as it was read then."""
    said = {"vocabulary": "aipref", "vocabulary_version": "draft-ietf-aipref-vocab-07", "statement": "train-ai=n"}
    event = _rows({"offset": 0, "reservations": [said]}).to_pylist()[0]
    declaration = Declaration("d", Use("training.generative"), "sha256:0", {})
    for changes, read in (
        ({}, ["prohibit: reservation.aipref (aipref-07/train-ai)"]),
        ({"signals": None}, ["unclear: evidence.unsupported (unsupported)"]),
    ):
        known = Known(read_policy({**shipped_policy(), **changes}), declaration, [], [], 0, 0)
        assert signals_of(tell(event, asset_of(event), known)) == [{**said, "read": read}]
