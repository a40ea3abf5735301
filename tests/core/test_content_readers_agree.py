"""The fast reader is sound: what it accepts, the strict reader accepts with identical columns; nothing is lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.core.content_fast import read_block
from gatekeeper.core.content_strict import read_records
from gatekeeper.core.tables import CONTENT_SCHEMA
from tests.core.content_records import CONTRACTS, encoded, event, parsed, rich_event
from tests.core.hostile_files import json_files, naughty_strings

ODD_VALUES: list[Any] = [
    None, True, 0, -1, 1.0, -0.0, 1.5, 2**53, 2**63, 10**30, "", "x", "a\nb", "\x7f", "\x85", "\x00",
    "é" * 256, "é" * 257, "a" * 513, [], {}, [None], [[]], {"a": 1}, {"a": "b"}, '":', '\\":', "\\", '"', "NaN",
    "2025-01-01T00:00:00Z", "2025-01-01t00:00:00.1234567z", "2025-02-30T00:00:00Z", "2024-12-31T23:59:60Z",
    "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z", "2025-01-01T00:00:00.12345678901234567890+00:00",
    "content.removed", "content.published.v2", "recording", "https://x.example/1", "https://x.example/2",
]  # fmt: skip
NAMES = ["new", "title", "data", "id", "attributes", "asset_id", "a b", "é", ""]
ODD_BYTES = [
    b"NaN", b"-Infinity", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\n", b"\r", b"\t", b" ", b"\x00", b"{}", b"}", b"{",
    b",", b'"', b"\\", b"\\ud800", b"\\udc00", b"\\u0000", b"/", b"0", b"-", b"1e5", b".0", b'"id":"x",',
    b'"title":null,', b'"new":{"a":1,"a":2},', b'"new":null,"new":null,', b"\xef\xbb\xbf", b"\xe2\x80\xa8",
]  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in members for place in ((value, key), *_places(inner))]


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A valid event, some of its places changed, written in one of many ways, some of its bytes changed."""
    odd_value = st.sampled_from(ODD_VALUES) | st.text(max_size=5) | st.sampled_from(naughty_strings() or [""])
    document = copy.deepcopy(draw(st.sampled_from([event(), rich_event(1), rich_event(2)])))
    for _ in range(draw(st.integers(0, 2))):
        holder, key = draw(st.sampled_from(_places(document)))
        match draw(st.sampled_from(["change", "change", "remove", "add"])):
            case "remove" if isinstance(holder, dict):
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(odd_value))
            case _:
                holder[key] = copy.deepcopy(draw(odd_value))
        if not _places(document):
            break
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(document, ensure_ascii=draw(st.booleans()), separators=separators)
    raw = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.sampled_from(ODD_BYTES) | st.binary(max_size=2)) + raw[at + draw(st.integers(0, 2)) :]
    return raw


def _assert_sound(raw: bytes) -> None:
    accepted, fast = read_block(pa.array([raw], pa.binary()))
    valid, strict, problems = read_records([raw], CONTRACTS.check_content)
    assert len(valid) + len(problems) == 1
    if len(accepted):
        assert not problems, problems
        fast.validate(full=True)
        assert fast.equals(strict), (fast.to_pylist(), strict.to_pylist())


def _twice(field: bytes) -> bytes:
    return encoded(rich_event()).replace(b'"' + field + b'":', b'"' + field + b'":null,"' + field + b'":', 1)


@settings(max_examples=400)
@given(records())
@example(encoded(rich_event()) + encoded(rich_event()))
@example(encoded(rich_event()) + b" {}")
@example(b"{}" + encoded(rich_event()))
@example(_twice(b"title"))
@example(_twice(b"role"))
@example(_twice(b"bpm"))
@example(_twice(b"subject"))
@example(encoded(rich_event()).replace(b'"title"', b'"\\u0074itle"'))
@example(encoded(rich_event()).replace(b"214000", b"-0"))
@example(encoded(rich_event()).replace(b"214000", b"1e3"))
@example(encoded(rich_event()).replace(b"214000", b"9007199254740992"))
@example(encoded(rich_event()).replace(b'"calm"', b"null"))
@example(encoded(rich_event()).replace(b'"subject":"track"', b'"subject":"\\u0001"'))
@example(encoded(rich_event()).replace(b'"subject":"track"', b'"subject":""'))
@example(encoded(rich_event() | {"dataschema": "https://x.example/2"}))
@example(encoded(rich_event() | {"dataschema": "https://x.example/1"}))
def test_what_the_fast_reader_accepts_the_strict_reader_accepts_alike(raw: bytes) -> None:
    """The one thing the fast reader may never do is accept more, or see something else."""
    _assert_sound(raw)


@pytest.mark.parametrize(
    "name", sorted(json_files("")) or [pytest.param("", marks=pytest.mark.skip("no hostile files"))]
)
def test_the_fast_reader_is_sound_on_published_cases(name: str) -> None:
    """Each file of the JSON parsing cases, also where an event's unknown field would stand."""
    raw = json_files("")[name]
    _assert_sound(raw)
    _assert_sound(encoded(rich_event()).replace(b'"calm"', raw))


@settings(max_examples=60)
@given(st.lists(records(), min_size=1, max_size=20), st.integers(0, 2**32), st.sampled_from([0, 90, 300]))
def test_a_block_is_the_sum_of_its_records(odd: list[bytes], seed: int, plain: int) -> None:
    """Strict alone and both readers give the same rows and the same dead letters, every record exactly once."""
    values = [encoded(rich_event(i)) for i in range(plain)]
    for i, raw in enumerate(odd):
        values.insert((seed + i * 7_919) % (len(values) + 1), raw)
    both, strict = parsed(values), parsed(values, fast=False)
    assert both.valid.equals(strict.valid)
    assert both.dead.equals(strict.dead)
    assert both.valid.schema == CONTENT_SCHEMA
    assert sorted(both.valid["offset"].to_pylist() + both.dead["offset"].to_pylist()) == [
        10 + 2 * i for i in range(len(values))
    ]


MIXTURES: dict[str, Callable[[int], bytes]] = {
    "plain": lambda i: encoded(event(i)),
    "rich": lambda i: encoded(rich_event(i)),
    "escaped": lambda i: json.dumps(rich_event(i)).encode(),
    "nulls": lambda i: encoded(event(i, title=None, tags=None, attributes=None)),
    "empty attributes": lambda i: encoded(event(i, attributes={} if i % 2 else {"": "x"})),
    "many attributes": lambda i: encoded(event(i, attributes={f"k{i % 300}": "x"})),
    "one wrong type in 50": lambda i: encoded(event(i, duration_ms="1" if i % 50 == 0 else 1)),
    "one wrong type in 3": lambda i: encoded(event(i, duration_ms="1" if i % 3 == 0 else 1)),
    "one float in 50": lambda i: encoded(event(i, duration_ms=1.0 if i % 50 == 0 else 1)),
    "two objects in one, then a wrong type": lambda i: (
        encoded(event(i)) * 2
        if i % 20 == 6 and i < 197
        else encoded(event(i, duration_ms="1" if i in (200, 250) else 1))
    ),
    "one unknown field in 100": lambda i: encoded(event(i, **({"upc": "1"} if i % 100 == 0 else {}))),
    "unknown fields of many names": lambda i: encoded(event(i, **{f"x{i % 17}": i})),
    "two objects in one of 90": lambda i: encoded(event(i)) * (2 if i % 90 == 0 else 1),
    "one line break in 90": lambda i: encoded(event(i)) + (b"\n" if i % 90 == 0 else b""),
}


@pytest.mark.parametrize("rows", [70, 260, 1_500])
@pytest.mark.parametrize("name", MIXTURES)
def test_every_mixture_of_traffic_gives_the_strict_answer(name: str, rows: int) -> None:
    """Blocks of several sizes, in which pyarrow refuses none, few, some or all of the records."""
    values = [MIXTURES[name](i) for i in range(rows)]
    both, strict = parsed(values), parsed(values, fast=False)
    assert both.valid.equals(strict.valid)
    assert both.dead.equals(strict.dead)


@pytest.mark.parametrize("name", ["plain", "rich", "escaped", "nulls", "empty attributes"])
def test_usual_traffic_does_not_need_the_strict_reader(name: str) -> None:
    """Soundness would be no use if the fast reader accepted nothing."""
    values = pa.array([MIXTURES[name](i) for i in range(500)], pa.binary())
    assert len(read_block(values)[0]) == 500


@pytest.mark.parametrize("name", ["one wrong type in 50", "one unknown field in 100", "one line break in 90"])
def test_a_few_odd_records_leave_the_others_to_the_fast_reader(name: str) -> None:
    """One bad record in a block must not make the whole block slow."""
    values = pa.array([MIXTURES[name](i) for i in range(1_500)], pa.binary())
    assert len(read_block(values)[0]) > 1_200
