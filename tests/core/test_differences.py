"""What differs between two documents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.differences import differences

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=3),
    max_leaves=10,
)


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: object) -> None:
    """No noise."""
    assert list(differences(document, document)) == []


@given(DOCUMENTS, DOCUMENTS)
def test_a_change_never_goes_unseen(before: object, after: object) -> None:
    """Documents that are not the same JSON always show a difference; true is not 1."""
    import json

    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (list(differences(before, after)) == []) == same


def test_each_place_is_named_with_before_and_after() -> None:
    """Changed, new and gone places each have a sign; null is a value, not an absence."""
    before = {"a": {"b": [1, 2], "c": "x"}, "gone": None, "same": {}}
    after = {"a": {"b": [2, 1], "c": "x"}, "same": {}, "new": None}
    shown = [str(difference) for difference in differences(before, after)]
    assert shown == ["~ a.b: [1, 2] -> [2, 1]", "- gone: null", "+ new: null"]
