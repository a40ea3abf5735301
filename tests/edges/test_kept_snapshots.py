"""Rights states kept for the next start: found where they fit, passed over where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.register import Register
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.use import Use
from gatekeeper.edges.kept_snapshots import KEPT_MAX, KeptSnapshots
from gatekeeper.edges.yaml_files import read_yaml

LOG = {"cluster_id": "c", "topic": "rights", "topic_id": "t", "partitions": 1}
POLICY_FILE = Path(__file__).resolve().parents[2] / "gatekeeper" / "shipped" / "policy" / "policy.yaml"
USES = {"radio": Use("service.recommendation")}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(read_yaml(POLICY_FILE))


def keep(store: KeptSnapshots, policy: Policy, position: int) -> None:
    """A state of ``position`` withdrawals."""
    events = [withdrawal(n) for n in range(position)]
    register = Register()
    for event in events:
        register.apply(event)
    store.keep(register, Snapshot.compile(events, position, policy, USES, 0, seed=1))


def withdrawal(position: int) -> RightsEvent:
    who = f"account:{position}"
    data = {"speaker": who, "subject": who, "purposes": ("service",), "dated": False, "from_us": 0}
    more = {"until_us": 2**62, "territories": frozenset(), "models": frozenset(), "permits": (), "prohibits": ()}
    return RightsEvent(position, "rights.consent.withdrawn", 0, "urn:test", str(position), data | more)


def position_of(store: KeptSnapshots, policy: Policy, end: int = 100, uses: dict[str, Use] | None = None) -> int | None:
    found = store.newest(policy, USES if uses is None else uses, end)
    if found is None:
        return None
    register, snapshot = found
    assert register.position == snapshot.position
    return register.position


def test_nothing_beyond_the_logs_end(tmp_path: Path, policy: Policy) -> None:
    """A state ahead of the log knows what the log lost: an older one is taken, or none."""
    store = KeptSnapshots(tmp_path, LOG)
    keep(store, policy, 3)
    keep(store, policy, 7)
    assert [position_of(store, policy, end) for end in (2, 3, 6, 7, 8)] == [None, 3, 3, 7, 7]


def test_other_rules_or_another_log(tmp_path: Path, policy: Policy) -> None:
    """Made under another policy, for other uses or from another log: as if there were none."""
    store = KeptSnapshots(tmp_path, LOG)
    keep(store, policy, 3)
    other_policy = read_policy({**policy.document, "licences": []})
    assert position_of(store, other_policy) is None
    assert position_of(store, policy, uses={"radio": Use("training")}) is None
    assert position_of(store, policy, uses={}) is None
    assert position_of(KeptSnapshots(tmp_path, {**LOG, "topic_id": "anew"}), policy) is None
    assert position_of(KeptSnapshots(tmp_path, dict(reversed(LOG.items()))), policy) == 3


@pytest.mark.parametrize("damaged", ["header.json", "arrays.bin", "register"])
@pytest.mark.parametrize("damage", ["missing", "empty", "nonsense"])
def test_a_damaged_state_gives_way_to_the_one_before(tmp_path: Path, policy: Policy, damaged: str, damage: str) -> None:
    """The last but one stays for this."""
    store = KeptSnapshots(tmp_path, LOG)
    keep(store, policy, 3)
    keep(store, policy, 7)
    [newest] = tmp_path.glob("*/*7")
    path = newest.with_suffix(".json") if damaged == "register" else newest / damaged
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else b'{"position": 7}')
    assert position_of(store, policy) == 3


def test_old_states_are_removed(tmp_path: Path, policy: Policy) -> None:
    """Only the newest few stay, each with its register; what was cut short counts for nothing."""
    store = KeptSnapshots(tmp_path, LOG)
    for position in (1, 2, 3, 4):
        keep(store, policy, position)
    folders = sorted(int(path.name) for path in tmp_path.glob("*/*") if path.is_dir())
    registers = sorted(int(path.stem) for path in tmp_path.glob("*/*.json"))
    assert folders == registers == [3, 4][-KEPT_MAX:]
    next(tmp_path.glob("*")).joinpath("00000000000000000009.partial").mkdir()
    assert position_of(store, policy) == 4


def test_a_place_that_cannot_be_written_costs_the_cache_only(tmp_path: Path, policy: Policy) -> None:
    """A file is in the way (a disk may be full, too): nothing is raised, nothing is found."""
    (tmp_path / "file").write_text("")
    store = KeptSnapshots(tmp_path / "file", LOG)
    keep(store, policy, 3)
    assert position_of(store, policy) is None


def test_the_register_comes_back_whole(tmp_path: Path, policy: Policy) -> None:
    """What was kept is what is found, JSON in between."""
    store = KeptSnapshots(tmp_path, LOG)
    keep(store, policy, 3)
    found = store.newest(policy, USES, 3)
    assert found is not None
    [document] = tmp_path.glob("*/*.json")
    assert found[0].to_document() == json.loads(document.read_text())
