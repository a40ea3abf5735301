"""Strict JSON: what two readers could understand differently is refused, with the reason a producer needs."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.core.strict_json import DEPTH_MAX, JsonProblem, loads
from tests.core.content_records import encoded
from tests.core.hostile_files import json_files, needs_hostile_files

REFUSED = {
    b"": "bad_json",
    b" \n": "bad_json",
    b"{": "bad_json",
    b"{'a': 1}": "bad_json",
    b'{"a": 1,}': "bad_json",
    b'{"a": 01}': "bad_json",
    b'{"a": +1}': "bad_json",
    b'{"a": 0x1}': "bad_json",
    b'{"a": .5}': "bad_json",
    b'{"a": tru}': "bad_json",
    b'{"a": "\n"}': "bad_json",
    b'{"a": "\\x41"}': "bad_json",
    b'{"a": 1} /* no */': "trailing_content",
    b"{} {}": "trailing_content",
    b"{}\x00": "trailing_content",
    b"{}\xc2\xa0": "trailing_content",
    b'{"a": NaN}': "not_finite",
    b"[-Infinity]": "not_finite",
    b"Infinity": "not_finite",
    b"[1e400]": "number_too_big",
    b"[-1e400]": "number_too_big",
    b"[1" + b"0" * 309 + b"]": "number_too_big",
    b"[" + b"9" * 5_000 + b"]": "number_too_big",
    b'{"a": 1, "a": 1}': "duplicate_key",
    b'{"a": {"b": [{"c": 1, "d": 2, "c": 3}]}}': "duplicate_key",
    b'{"a": 1, "\\u0061": 2}': "duplicate_key",
    b'{"": 1, "": 2}': "duplicate_key",
    b'{"a": "\xff"}': "bad_utf8",
    b'{"a": "\xc0\x80"}': "bad_utf8",
    b'{"a": "\xed\xa0\x80"}': "bad_utf8",
    b'{"a": "\xf4\x90\x80\x80"}': "bad_utf8",
    '{"a": 1}'.encode("utf-16"): "bad_utf8",
    b'\xef\xbb\xbf{"a": 1}': "byte_order_mark",
    b'{"a": "\\ud800"}': "lone_surrogate",
    b'{"a": "\\uDC00\\uD800"}': "lone_surrogate",
    b'{"\\udfff": 1}': "lone_surrogate",
    b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1): "too_deep",
    b"[" * 200_000: "too_deep",
    b'{"a":' * 200_000: "too_deep",
}


@pytest.mark.parametrize(("raw", "reason"), REFUSED.items(), ids=[ascii(raw[:24])[2:-1] for raw in REFUSED])
def test_what_readers_could_disagree_on_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    """Each kind of bad JSON has its own reason, and its detail says something."""
    problem = loads(raw)
    assert isinstance(problem, JsonProblem)
    assert problem.reason == reason
    assert problem.detail


def test_a_detail_is_short_printable_and_in_one_line_whatever_the_bytes() -> None:
    """A log line about a hostile record is never itself hostile."""
    for raw in (
        b'{"' + b"\\u0000" * 5_000 + b'":1,"' + b"\\u0000" * 5_000 + b'":1}',
        b"\x1b[31m" * 9,
        b"[" + b"9" * 9_999,
    ):
        problem = loads(raw)
        assert isinstance(problem, JsonProblem)
        assert len(problem.detail) < 400
        assert problem.detail.isprintable()


def test_depth_is_counted_outside_strings_only_and_the_limit_itself_is_allowed() -> None:
    """Brackets inside a text nest nothing."""
    deepest = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert not isinstance(loads(deepest), JsonProblem)
    text = "[{" * 1_000 + '\\"' * 3
    assert loads(json.dumps([text]).encode()) == [text]


def test_depth_is_refused_before_the_interpreter_minds() -> None:
    """The answer does not depend on how much stack the caller has left."""

    def further_down(frames: int) -> object:
        return further_down(frames - 1) if frames else loads(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)

    assert not isinstance(further_down(sys.getrecursionlimit() - 400), JsonProblem)


def test_an_unclosed_text_full_of_quotes_and_brackets_is_looked_at_once() -> None:
    """A megabyte of escaped quotes is refused for what it is, in linear time: it would hang a backtracking scanner."""
    problem = loads(b'"' + b'\\"[' * 350_000)
    assert isinstance(problem, JsonProblem)
    assert problem.reason == "bad_json"


def test_integers_keep_every_digit_and_pairs_of_surrogates_are_one_character() -> None:
    """What is accepted is accepted exactly."""
    assert loads(b"[9007199254740993, 123456789012345678901234567890]") == [2**53 + 1, 123456789012345678901234567890]
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert loads(b' {"a": [1, 2.5, "\\u00e9", null, true]}\r\n') == {"a": [1, 2.5, "é", None, True]}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES, st.booleans())
def test_every_json_value_survives_a_round_trip(value: object, ascii_only: bool) -> None:
    """Whatever a correct producer writes is read as it was meant."""
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    """Bytes are a value or a problem, never an exception."""
    found = loads(raw)
    if isinstance(found, JsonProblem):
        assert found.detail


_NEARLY_JSON = st.text(alphabet='{}[],:"\\ \n0123456789.-+eEnultrfasNI\u00e9\ud83c', max_size=40)


@given(_NEARLY_JSON.map(lambda text: text.encode("utf-8", "surrogatepass")) | _VALUES.map(encoded))
@example(b'{"a":1,"a":1}')
@example(b"[1e400]")
@example(b"[123456789012345678901234567890]")
@example(b"[-0]")
@example(b"[1.0,1e16,0.1]")
def test_a_leading_space_changes_nothing(raw: bytes) -> None:
    """The short cut that compact texts take and the long way give the same value or the same reason."""
    short, long = loads(raw), loads(b" " + raw)
    if isinstance(long, JsonProblem):
        assert isinstance(short, JsonProblem)
        assert short.reason == long.reason
    else:
        assert repr(short) == repr(long)


@needs_hostile_files
def test_published_cases_that_every_parser_must_accept_are_accepted() -> None:
    """All y_ files parse, but the two whose objects name a key twice, which no event may."""
    files = json_files("y_")
    assert len(files) > 90
    refused = {name: found.reason for name, raw in files.items() if isinstance(found := loads(raw), JsonProblem)}
    twice = ("y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json")
    assert refused == dict.fromkeys(twice, "duplicate_key")


@needs_hostile_files
def test_published_cases_that_no_parser_may_accept_are_refused() -> None:
    """All n_ files are refused, where the folder has them."""
    files = json_files("n_")
    if not files:
        pytest.skip("the folder of hostile files holds no n_ cases")
    assert [name for name, raw in files.items() if not isinstance(loads(raw), JsonProblem)] == []


@needs_hostile_files
def test_published_cases_that_parsers_may_choose_on_are_chosen_strictly() -> None:
    """Of the i_ files only numbers that a double holds, if only as zero, and exact integers are accepted."""
    accepted = {name for name, raw in json_files("i_").items() if not isinstance(loads(raw), JsonProblem)}
    assert accepted == {
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    }
