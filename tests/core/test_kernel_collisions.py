"""A planted 64-bit hash collision neither permits nor hides a no."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import STABLE_HASH, KeyHash, Rows, Words, hashes_of, key_blocks
from gatekeeper.core.snapshot.storage import parts_of, snapshot_of
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use
from tests.core.comparing import ONE_HASH, SEED, batch_of, by_kernel, world_policy

NOW_US = 1_750_000_000_000_000
REPLICATION = Use("training.generative.replication")
USES = {"voices": REPLICATION}


def colliding(*keys: str) -> KeyHash:
    """The usual hash, but that these keys all have the first one's."""
    blocks = [next(iter(key_blocks(pa.array([key])))) for key in keys]
    shared = hashes_of(pa.array([keys[0]]), STABLE_HASH, SEED)[0]

    def planted(words: Words, lengths: Rows, seed: int) -> Words:
        hashes = STABLE_HASH.of(words, lengths, seed)
        for block in blocks:
            width = min(words.shape[1], block.words.shape[1])
            same = (lengths == block.lengths[0]) & (words[:, :width] == block.words[0, :width]).all(axis=1)
            hashes[same] = shared
        return hashes

    return KeyHash("planted", planted)


def opt_in(position: int, asset: str, account: str = "k0") -> RightsEvent:
    data = {
        "speaker": f"account:{account}",
        "subject": f"asset:{asset}",
        "purposes": ("training.generative.replication",),
        "territories": frozenset(),
        "models": frozenset(),
        "from_us": 0,
        "until_us": ALWAYS_US,
    }
    return RightsEvent(position, "rights.consent.granted", 0, "//test", f"e{position}", data)


def takedown(position: int, subject: str) -> RightsEvent:
    data = {"claim_id": f"c{position}", "kind": "takedown", "subject": subject}
    return RightsEvent(position, "rights.claim.opened", 0, "//test", f"e{position}", data)


def resolved(position: int, claim_id: str) -> RightsEvent:
    return RightsEvent(position, "rights.claim.resolved", NOW_US - 1, "//test", f"e{position}", {"claim_id": claim_id})


def compiled(hashing: KeyHash, *events: RightsEvent) -> Snapshot:
    return Snapshot.compile(events, len(events), world_policy(), USES, NOW_US, seed=SEED, hashing=hashing)


def reasons(snapshot: Snapshot, *assets: str, account: str = "k0") -> list[str]:
    rows = [{"asset_id": a, "account_id": account, "partition": 0, "offset": 0, "conflicting": False} for a in assets]
    [answers] = by_kernel(batch_of(rows), snapshot)
    return [reason for _, reason, _, _ in answers]


def test_the_planted_keys_do_collide() -> None:
    """The collision is real: two different keys, one 64-bit hash; a third key keeps its own."""
    hashes = hashes_of(pa.array(["friend", "stranger", "other"]), colliding("friend", "stranger"), SEED)
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(np.unique(hashes_of(pa.array(["friend", "stranger"]), STABLE_HASH, SEED))) == 2


def test_a_collision_does_not_permit_a_stranger() -> None:
    """The opt-in of one asset says nothing for another asset whose hash is the same."""
    snapshot = compiled(colliding("friend", "stranger"), opt_in(0, "friend"))
    assert reasons(snapshot, "friend", "stranger") == ["consent.opt_in", "no_permission"]


def test_a_collision_does_not_hide_a_takedown() -> None:
    """Where a permitted and a stopped asset share a hash, the stopped one is denied, whichever was said first."""
    for events in (
        [opt_in(0, "friend"), takedown(1, "asset:victim")],
        [takedown(0, "asset:victim"), opt_in(1, "friend")],
    ):
        snapshot = compiled(colliding("friend", "victim"), *events)
        assert reasons(snapshot, "friend", "victim", "nobody") == ["consent.opt_in", "claim.takedown", "no_permission"]


def test_three_keys_of_one_hash_and_one_unknown() -> None:
    """A fourth key with the hash of three known ones is known to none of them."""
    hashing = colliding("friend", "victim", "second", "unknown")
    snapshot = compiled(hashing, opt_in(0, "friend"), takedown(1, "asset:victim"), opt_in(2, "second"))
    expected = ["consent.opt_in", "claim.takedown", "consent.opt_in", "no_permission"]
    assert reasons(snapshot, "friend", "victim", "second", "unknown") == expected


def test_a_collision_that_arrives_later() -> None:
    """Withdrawals and takedowns that arrive after compiling find their own rows among colliding ones."""
    snapshot = compiled(colliding("friend", "victim"), opt_in(0, "friend"), opt_in(1, "victim"))
    assert reasons(snapshot, "friend", "victim") == ["consent.opt_in"] * 2
    snapshot.advance([takedown(2, "asset:victim")], 3)
    assert reasons(snapshot, "friend", "victim") == ["consent.opt_in", "claim.takedown"]
    snapshot.advance([resolved(3, "c2"), replace(opt_in(4, "friend"), type="rights.consent.withdrawn")], 5)
    assert reasons(snapshot, "friend", "victim") == ["consent.withdrawn", "consent.opt_in"]
    snapshot.compact()
    assert reasons(snapshot, "friend", "victim") == ["consent.withdrawn", "consent.opt_in"]


def test_a_collision_between_accounts() -> None:
    """Two accounts of one hash speak for their own assets only."""
    hashing = colliding("k0", "k1")
    snapshot = compiled(hashing, opt_in(0, "song", "k0"), takedown(1, "account:k1"))
    assert reasons(snapshot, "song", account="k0") == ["consent.opt_in"]
    assert reasons(snapshot, "song", account="k1") == ["claim.takedown"]
    only_one = compiled(hashing, opt_in(0, "song", "k0"))
    assert reasons(only_one, "song", account="k1") == ["no_permission"]


def test_a_collision_survives_being_saved() -> None:
    """The exact side table is there again when a saved snapshot is taken up."""
    hashing = colliding("friend", "victim")
    header, arrays = parts_of(compiled(hashing, opt_in(0, "friend"), takedown(1, "asset:victim")))
    snapshot = snapshot_of(header, arrays, world_policy(), USES, hashing)
    assert reasons(snapshot, "friend", "victim", "nobody") == ["consent.opt_in", "claim.takedown", "no_permission"]


@pytest.mark.parametrize("known", [1, 2, 50])
def test_a_hash_that_tells_nothing_apart(known: int) -> None:
    """With one hash for every key the kernel is slow, not wrong."""
    events = [opt_in(i, f"song-{i}") if i % 2 else takedown(i, f"asset:song-{i}") for i in range(known)]
    expected = ["consent.opt_in" if i % 2 else "claim.takedown" for i in range(known)]
    asked = [f"song-{i}" for i in range(known + 3)]
    assert reasons(compiled(ONE_HASH, *events), *asked) == expected + ["no_permission"] * 3
