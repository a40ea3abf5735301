"""What the kernel makes of columns: slices, encodings, odd keys, many uses, large positions, many speakers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.kernel import verdicts
from gatekeeper.core.snapshot import Limits, Snapshot
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use
from tests.core.comparing import (
    ROW_SCHEMA,
    SEED,
    Records,
    Way,
    batch_of,
    by_kernel,
    by_reference,
    compiled,
    records_of,
    uses_of,
    world_policy,
)
from tests.worlds import World, random_world

NOW_US = 1_750_000_000_000_000
ANALYSIS, SERVICE = Use("training.analytical"), Use("service.search")


def world_of(seed: int, **sizes: int) -> World:
    return random_world(random.Random(seed), **{"n_events": 120, "n_assets": 12, **sizes})


def last(world: World) -> tuple[int, int]:
    return world.positions[-1], world.instants[0]


def event(position: int, type_: str, /, **data: Any) -> RightsEvent:
    """A rights event as the reader of the log leaves it."""
    plain = {"territories": frozenset(), "models": frozenset(), "from_us": 0, "until_us": ALWAYS_US}
    return RightsEvent(position, f"rights.{type_}", 0, "//test", f"e{position}", {**plain, **data})


def takedown(position: int, subject: str) -> RightsEvent:
    return event(position, "claim.opened", claim_id=f"c{position}", kind="takedown", subject=subject)


def terms(position: int) -> RightsEvent:
    grants = {"service": "permit", "training.analytical": "permit"}
    return event(
        position, "terms.published", terms_id="t", effective_from_us=0, grants=grants, acceptance="continued_use"
    )


def snapshot_of(records: Records, *uses: Use, **options: Any) -> Snapshot:
    position = records[-1].position + 1 if records else 0
    named = {f"use-{number}": use for number, use in enumerate(uses)}
    return Snapshot.compile(records, position, world_policy(), named, NOW_US, seed=SEED, **options)


def row(asset_id: str, **fields: Any) -> dict[str, Any]:
    return {"asset_id": asset_id, "account_id": "k0", "partition": 0, "offset": 0, "conflicting": False, **fields}


def verdicts_of(rows: Sequence[dict[str, Any]], snapshot: Snapshot) -> list[str]:
    """The verdicts for a snapshot's only use."""
    [answers] = by_kernel(batch_of(rows), snapshot)
    return [verdict for verdict, *_ in answers]


def test_an_empty_batch_has_an_empty_answer_per_use() -> None:
    """No rows is no error: every use answers with columns of length 0 and the usual types."""
    snapshot = snapshot_of([terms(0)], ANALYSIS, SERVICE)
    full = verdicts.decide(batch_of([row("a")]), snapshot)
    empty = verdicts.decide(batch_of([]), snapshot)
    assert [len(decided) for decided in empty.values()] == [0, 0]
    assert [d.evidence.type for d in empty.values()] == [d.evidence.type for d in full.values()]
    assert [d.holder.type for d in empty.values()] == [d.holder.type for d in full.values()]


def test_no_use_has_no_answer() -> None:
    """Where no dataset is declared, nothing is decided."""
    assert verdicts.decide(batch_of([row("a")]), snapshot_of([takedown(0, "asset:a")])) == {}


def test_a_column_that_is_missing_is_named() -> None:
    """A batch without ``removed_by`` could hide a removal: it is an error, not a default."""
    batch = batch_of([row("a")]).drop_columns(["removed_by"])
    with pytest.raises(KeyError, match="removed_by"):
        verdicts.decide(batch, snapshot_of([terms(0)], ANALYSIS))


@pytest.mark.parametrize("seed", range(4))
def test_a_slice_is_decided_as_its_rows_are(seed: int) -> None:
    """Arrow slices share their parents' buffers; a row's answer does not depend on its neighbours or its offset."""
    world = world_of(seed)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    whole, batch = by_kernel(batch_of(world.content), snapshot), batch_of(world.content)
    for start, length in ((0, 1), (3, 5), (len(world.content) - 1, 1), (5, 0)):
        assert by_kernel(batch.slice(start, length), snapshot) == [of_use[start : start + length] for of_use in whole]


def test_batches_are_decided_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch is cut does not matter."""
    world = world_of(7)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    whole = by_kernel(batch_of(world.content), snapshot)
    monkeypatch.setattr(verdicts, "PIECE_ROWS", 4)
    assert by_kernel(batch_of(world.content), snapshot) == whole


@pytest.mark.parametrize("seed", range(3))
def test_dictionary_encoded_columns_say_the_same(seed: int) -> None:
    """Account, licence and asset ids may come dictionary-encoded, with names in the dictionary that no row uses."""
    world = world_of(40 + seed)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    batch = batch_of(world.content)
    encoded = batch
    for name in ("account_id", "licence", "asset_id"):
        at = batch.schema.get_field_index(name)
        column = (
            pa.concat_arrays([batch.column(name), pa.array(["unused"])]).dictionary_encode().slice(0, batch.num_rows)
        )
        encoded = encoded.set_column(at, name, column)
    assert by_kernel(encoded, snapshot) == by_kernel(batch, snapshot)


def test_many_strings_are_decided_like_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether repeated names are first made distinct is a matter of speed only."""
    from gatekeeper.core.kernel import content

    world = world_of(11, n_assets=40)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    distinct = by_kernel(batch_of(world.content), snapshot)
    monkeypatch.setattr(content, "_repeats", lambda _: False)
    assert by_kernel(batch_of(world.content), snapshot) == distinct


KEYS = [
    "",
    "a",
    "a" * 7,
    "a" * 8,
    "a" * 9,
    "a" * 16,
    "a" * 23,
    "a" * 24,
    "a" * 25,
    "a" * 63,
    "a" * 64,
    "a" * 65,
    "a" * 128,
    "a" * 129,
    "a" * 511,
    "a" * 512,
    "a" * 4000,
    "é" * 4,
    "é" * 32,
    "夜のフェリー",
    "a" * 8 + "é",
    "\U0001f3b5" * 40,
]


def test_keys_of_every_length_are_told_apart() -> None:
    """A takedown stops the asset of exactly that id, whatever the length or script, and no other."""
    stopped, others = KEYS[1::2], KEYS[0::2]
    snapshot = snapshot_of([terms(0), *(takedown(i + 1, f"asset:{key}") for i, key in enumerate(stopped))], ANALYSIS)
    answers = verdicts_of([row(key) for key in stopped + others], snapshot)
    assert answers == ["deny"] * len(stopped) + ["permit"] * len(others)


def test_each_key_is_told_apart_alone() -> None:
    """The same, one key at a time, so that no other key decides how wide the columns are."""
    snapshot = snapshot_of([terms(0), *(takedown(i + 1, f"asset:{key}") for i, key in enumerate(KEYS[1:]))], ANALYSIS)
    assert [verdicts_of([row(key)], snapshot) for key in KEYS[1:]] == [["deny"]] * len(KEYS[1:])
    assert [verdicts_of([row(key + "b")], snapshot) for key in KEYS] == [["permit"]] * len(KEYS)


def test_a_kind_of_subject_is_part_of_its_name() -> None:
    """``catalog:x`` says nothing about the asset, party or account that is called x."""
    subjects = ["asset:x", "isrc:X", "sha256:x", "catalog:x", "party:x", "account:x"]
    named = [
        row("x"),
        row("1", identifiers={"isrc": "x"}),
        row("2", identifiers={"content_sha256": "X"}),
        row("3", catalogs=["x"]),
        row("4", interests=[{"party_id": "x", "role": "recording"}]),
        {**row("5"), "account_id": "x"},
    ]
    for nth, subject in enumerate(subjects):
        snapshot = snapshot_of([terms(0), takedown(1, subject)], ANALYSIS)
        assert verdicts_of(named, snapshot) == ["deny" if at == nth else "permit" for at in range(len(subjects))]


def test_identifiers_beyond_ascii_compare_as_the_vocabulary_says() -> None:
    """Comparable spelling is Unicode's upper and lower case, also where one letter becomes two."""
    snapshot = snapshot_of([terms(0), takedown(1, "isrc:STRASSE1É"), takedown(2, "sha256:é1")], ANALYSIS)
    rows = [
        row("1", identifiers={"isrc": "straße-1é"}),
        row("2", identifiers={"content_sha256": "É1"}),
        row("3", identifiers={"isrc": "x"}),
    ]
    assert verdicts_of(rows, snapshot) == ["deny", "deny", "permit"]


def test_empty_identifiers_are_absent() -> None:
    """An empty ISRC or digest answers to nothing; null and absent lists are empty."""
    snapshot = snapshot_of([terms(0), takedown(1, "isrc:"), takedown(2, "sha256:")], ANALYSIS)
    rows = [
        row("1", identifiers={"isrc": "", "content_sha256": ""}),
        row("2"),
        row("3", catalogs=[], interests=[], tags=[]),
    ]
    assert verdicts_of(rows, snapshot) == ["permit"] * 3


@pytest.mark.parametrize("n_uses", [8, 9, 24, 25, 40])
def test_many_uses_are_decided_at_once(n_uses: int) -> None:
    """Uses beyond those that fit beside a row decide as the first ones do."""
    world = world_of(n_uses, n_uses=n_uses, n_instants=1)
    distinct = [
        replace(use, model=f"{use.model}-{number}") if use.model else use for number, use in enumerate(world.uses)
    ]
    world = replace(world, uses=distinct)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position // 2, instant_us - 1, world=world, policy=world_policy())
    snapshot.advance(records, position)
    snapshot.at(instant_us)
    expected = by_reference(world, records, world_policy(), position, instant_us)
    assert by_kernel(batch_of(world.content), snapshot) == expected


@pytest.mark.parametrize("base", [2**32 - 40, 2**40])
def test_positions_beyond_32_bits_are_exact(base: int) -> None:
    """Evidence names the right position when the log is longer than 2**32."""
    world = world_of(3)
    records: Records = []
    for record in records_of(world, world_policy()):
        moved = replace(record, position=record.position + base)
        if isinstance(moved, RightsEvent) and moved.type == "rights.unreadable.answered":
            moved = replace(moved, data={**moved.data, "position": moved.data["position"] + base})
        records.append(moved)
    _, instant_us = last(world)
    end = records[-1].position + 1
    snapshot = compiled(records, base + 50, instant_us, world=world, policy=world_policy())
    snapshot.advance(records, end)
    assert by_kernel(batch_of(world.content), snapshot) == by_reference(world, records, world_policy(), end, instant_us)


@pytest.mark.parametrize("speakers_in_chain_max", [0, 64, 10_000])
def test_very_many_speakers_about_one_catalogue(speakers_in_chain_max: int) -> None:
    """Thousands of parties speak about a catalogue: each is heard for its own interests, however it is found."""
    count = 300
    records: Records = [terms(0)]
    for number in range(count):
        for purposes in (("training.generative",), ("service",)):
            kind = "consent.granted" if number % 2 else "consent.withdrawn"
            data = {"speaker": f"party:p{number}", "subject": "catalog:c", "purposes": purposes}
            records.append(event(len(records), kind, **data))
    records.append(takedown(len(records), "asset:gone"))
    limits = Limits(speakers_in_chain_max=speakers_in_chain_max)
    snapshot = snapshot_of(records, SERVICE, limits=limits)
    order = random.Random(1).sample(range(count + 20), count + 20)
    rows = [row(f"a{n}", catalogs=["c"], interests=[{"party_id": f"p{n}", "role": "recording"}]) for n in order]
    rows.append(row("gone", catalogs=["c"], interests=[{"party_id": "p1", "role": "recording"}]))
    rows.append(row("two", catalogs=["c"], interests=[{"party_id": p, "role": "recording"} for p in ("p1", "p2")]))
    rows.append(row("none", catalogs=["c"]))
    expected = ["permit" if n >= count or n % 2 else "deny" for n in order] + ["deny", "deny", "permit"]
    assert verdicts_of(rows, snapshot) == expected
    snapshot.advance(
        [event(len(records), "consent.withdrawn", speaker="party:p1", subject="catalog:c", purposes=("service",))],
        len(records) + 1,
    )
    rows[-1] = row("one", catalogs=["c"], interests=[{"party_id": "p1", "role": "recording"}])
    assert verdicts_of(rows, snapshot)[-1] == "deny"


def test_distinct_reservations_are_read_once_each() -> None:
    """Thousands of different signals in one batch stay linear, and each holds its own asset."""
    rows = [
        row(f"a{n}", reservations=[{"vocabulary": "c2pa", "statement": str(n)}] if n % 2 else None) for n in range(4000)
    ]
    assert verdicts_of(rows, snapshot_of([terms(0)], ANALYSIS)) == ["permit", "hold"] * 2000


def test_uses_that_are_equal_share_an_answer() -> None:
    """Two datasets of one use are answered under both names."""
    snapshot = snapshot_of([terms(0)], ANALYSIS, SERVICE, ANALYSIS)
    answers = verdicts.decide(batch_of([row("a")]), snapshot)
    assert list(answers) == ["use-0", "use-1", "use-2"]
    assert answers["use-0"] is answers["use-2"]


def test_types_of_the_answer() -> None:
    """``verdict`` and ``reason`` come dictionary-encoded, names distinct; ``holder`` and ``evidence`` as strings."""
    decided = verdicts.decide(batch_of([row("a")]), snapshot_of([terms(0)], ANALYSIS))["use-0"]
    for column in (decided.verdict, decided.reason):
        assert pa.types.is_dictionary(column.type)
        names = column.dictionary.to_pylist()
        assert len(names) == len(set(names))
    assert decided.holder.type == decided.evidence.type == pa.string()


@pytest.mark.parametrize("seed", range(3))
def test_the_seed_of_the_hash_alters_no_answer(seed: int) -> None:
    """Hashes only propose rows: any seed, the same answers."""
    world = world_of(60 + seed)
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    ways = [Way(seed=value) for value in (0, 1, 2**64 - 1, int(np.random.default_rng(seed).integers(2**63)))]
    batch = batch_of(world.content)
    answers = [
        by_kernel(batch, compiled(records, position, instant_us, world=world, policy=world_policy(), way=w))
        for w in ways
    ]
    assert all(answer == answers[0] for answer in answers)


def test_the_columns_of_content_are_enough() -> None:
    """The kernel reads the content columns and the two that the stream adds, nothing else."""
    world = world_of(5)
    read = {
        "asset_id",
        "account_id",
        "interests",
        "identifiers",
        "catalogs",
        "licence",
        "tags",
        "reservations",
        "partition",
        "offset",
        "removed_by",
        "conflicting",
    }
    records, (position, instant_us) = records_of(world, world_policy()), last(world)
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    batch = batch_of(world.content)
    assert by_kernel(batch.select([n for n in ROW_SCHEMA.names if n in read]), snapshot) == by_kernel(batch, snapshot)
    assert list(snapshot.uses) == list(uses_of(world))
