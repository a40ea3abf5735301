"""``gatekeeper decide``: files in, decisions out, nothing written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.policy import read_policy
from gatekeeper.core.times import format_instant, parse_instant
from gatekeeper.edges.yaml_files import read_yaml
from tests.cli.conftest import Desk, event, lines, published, tree
from tests.core.cases import Case, load_cases

FIELDS = [
    "asset_id",
    "dataset",
    "verdict",
    "reason",
    "holder",
    "evidence",
    "rights_position",
    "policy",
    "decided_at",
]


def _decisions(desk: Desk, text: str, *options: object) -> list[dict[str, Any]]:
    answer = desk.ok("decide", *options, "-", stdin=text)
    return [json.loads(line) for line in answer.lines]


def _reasons(desk: Desk, text: str, *options: object, dataset: str = "recommendation") -> list[str]:
    return [d["reason"] for d in _decisions(desk, text, "--dataset", dataset, *options)]


def test_a_bad_line_is_an_error_that_names_it_and_nothing_is_skipped(desk: Desk) -> None:
    """One bad line: exit 2, its number and reason, and no decision at all."""
    answer = desk.run("decide", "-", stdin=lines(published("a"), '{"a": 1', published("b")))
    assert (answer.code, answer.out) == (2, "")
    assert "line 2" in answer.err
    assert "bad_json" in answer.err


def test_an_unknown_dataset_lists_the_known(desk: Desk) -> None:
    """A dataset nobody declared is wrong use."""
    answer = desk.run("decide", "--dataset", "nobody", "-", stdin=lines(published()))
    assert (answer.code, answer.out) == (2, "")
    assert "recommendation" in answer.err


def test_a_position_beyond_the_end_is_refused(desk: Desk) -> None:
    """Nobody decides on rights that are not there yet."""
    answer = desk.run("decide", "--rights-at", 7, "-", stdin=lines(published()))
    assert (answer.code, answer.out) == (2, "")
    assert "ends at 6" in answer.err


def test_an_instant_needs_an_offset(desk: Desk) -> None:
    """Two machines could place a time without offset differently."""
    assert desk.run("decide", "--at", "2025-06-20T12:00:00", "-", stdin=lines(published())).code == 2


def test_a_broken_policy_decides_nothing(desk: Desk) -> None:
    """Without a policy there is no decision."""
    desk.write("policy/policy.yaml", "{}")
    answer = desk.run("decide", "-", stdin=lines(published()))
    assert (answer.code, answer.out) == (2, "")


def test_nothing_is_written(desk: Desk) -> None:
    """Every file of the workspace is as it was."""
    before = tree(desk.root)
    _decisions(desk, lines(published()))
    assert tree(desk.root) == before


def test_no_event_no_decision(desk: Desk) -> None:
    """Nothing in, nothing out; with --json still an object."""
    assert desk.ok("decide", "-", stdin="").out == ""
    assert desk.ok("decide", "--json", "-", stdin="").json == {"decisions": 0}


def test_a_decision_has_these_fields(desk: Desk) -> None:
    """One JSON object per event and dataset, event by event, with exactly the published fields."""
    found = _decisions(desk, lines(published("a"), published("b")), "--at", "2025-06-01T00:00:00Z")
    datasets = ["analytical-training", "recommendation", "voice-replication"]
    assert [(d["asset_id"], d["dataset"]) for d in found] == [(a, d) for a in "ab" for d in datasets]
    assert all(list(d) == FIELDS for d in found)
    policy = read_policy(read_yaml(desk.root / "policy" / "policy.yaml"))
    assert found[2] == {
        "asset_id": "a",
        "dataset": "voice-replication",
        "verdict": "deny",
        "reason": "terms.opt_in_required",
        "holder": "account:nina",
        "evidence": f"rights:1@6#{policy.short_digest}",
        "rights_position": 6,
        "policy": policy.digest,
        "decided_at": "2025-06-01T00:00:00Z",
    }


def test_datasets_are_those_asked_for_in_that_order(desk: Desk) -> None:
    """--dataset may be repeated; a dataset asked for twice answers once."""
    asked = ("--dataset", "voice-replication", "--dataset", "recommendation", "--dataset", "voice-replication")
    assert [d["dataset"] for d in _decisions(desk, lines(published()), *asked)] == [
        "voice-replication",
        "recommendation",
    ]


def test_the_files_count_as_they_are(desk: Desk) -> None:
    """A declaration that is not applied yet is decided for."""
    desk.dataset("x", "training.generative")
    assert _reasons(desk, lines(published()), dataset="x") == ["terms.unclear"]


def test_a_removal_is_a_deletion_of_itself_and_of_what_is_not_newer(desk: Desk) -> None:
    """The events of a file are one history: an event from before the removal stays removed, a newer one does not."""
    history = lines(
        published("song", time="2025-06-01T00:00:00Z"),
        event("content.removed", "2025-06-03T00:00:00Z", asset_id="song", account_id="nina"),
        published("song", time="2025-06-02T00:00:00Z"),
        published("song", time="2025-06-03T00:00:00Z"),
        published("song", time="2025-06-04T00:00:00Z"),
        published("other", time="2025-06-02T00:00:00Z"),
    )
    found = _decisions(desk, history, "--dataset", "recommendation")
    statements = [d["evidence"].split("@")[0] for d in found]
    gone = ("claim.deletion", "content:0:1")
    assert [(d["reason"], s) for d, s in zip(found, statements, strict=True)] == [
        ("terms.permit", "rights:1"),
        gone,
        gone,
        gone,
        ("terms.permit", "rights:1"),
        ("terms.permit", "rights:1"),
    ]


def test_of_several_removals_the_latest_covers(desk: Desk) -> None:
    """The greatest time counts, of equal times the first; a removal itself names itself."""
    history = lines(
        event("content.removed", "2025-06-05T00:00:00Z", asset_id="song", account_id="nina"),
        event("content.removed", "2025-06-03T00:00:00Z", asset_id="song", account_id="nina"),
        event("content.removed", "2025-06-05T00:00:00Z", asset_id="song", account_id="nina"),
        published("song", time="2025-06-04T00:00:00Z"),
    )
    found = _decisions(desk, history, "--dataset", "recommendation")
    assert [d["evidence"].split("@")[0] for d in found] == ["content:0:0", "content:0:1", "content:0:2", "content:0:0"]


def test_rights_at_goes_back_in_the_log_and_at_goes_back_in_time(desk: Desk) -> None:
    """Before its terms were published nothing was permitted; before they took effect neither."""
    assert _reasons(desk, lines(published()), "--rights-at", 0) == ["no_permission"]
    assert _reasons(desk, lines(published()), "--rights-at", 1) == ["terms.permit"]
    assert _reasons(desk, lines(published()), "--at", "2024-02-06T23:59:59.999999Z") == ["no_permission"]
    assert _reasons(desk, lines(published()), "--at", "2024-02-07T00:00:00Z") == ["terms.permit"]


def test_no_producers_clock_defers_a_no(desk: Desk) -> None:
    """Without --at the instant is not below the time of a withdrawal on the log, although the clock is."""
    withdrawn = event(
        "rights.consent.withdrawn",
        "2025-06-20T12:04:00Z",
        speaker="account:nina",
        subject="asset:song",
        purposes=["service"],
    )
    desk.ok("rights", "append", "-", stdin=lines(withdrawn))
    found = _decisions(desk, lines(published()), "--dataset", "recommendation")[0]
    assert (found["reason"], found["decided_at"]) == ("consent.withdrawn", "2025-06-20T12:04:00Z")
    assert _reasons(desk, lines(published()), "--at", "2025-06-20T12:00:00Z") == ["terms.permit"]


def _late(value: bytes, arrived_us: int) -> bool:
    try:
        return parse_instant(json.loads(value)["time"]) > arrived_us + 300_000_000
    except (ValueError, KeyError, TypeError):
        return False


LONG_AFTER = "2030-01-01T00:00:00Z"
"""When every case's events have arrived: a file keeps no arrival times, so those that turn on them are left out."""

CASES = [
    case
    for case in load_cases()
    if all((record.partition, record.offset) == (0, at) for at, record in enumerate(case.content))
    and not any(b"\n" in record.value for record in case.rights)
    and not any(_late(r.value, r.arrived_us) != _late(r.value, parse_instant(LONG_AFTER)) for r in case.rights)
]


def test_most_cases_can_be_told_in_files() -> None:
    """What the next test leaves out are arrival times and partitions, which files do not have."""
    assert len(CASES) > 0.9 * len(load_cases())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One workspace whose files are written anew for every case: ``decide`` keeps nothing of what it reads."""
    made = Desk(tmp_path_factory.mktemp("told") / "workspace", LONG_AFTER)
    assert made.run("init", "--bare", made.root, workspace=False).code == 0
    return made


@pytest.fixture(scope="module")
def shipped(told: Desk) -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(told.root / "policy" / "policy.yaml")
    return document


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_decision_cases_hold_on_the_command_line(case: Case, told: Desk, shipped: dict[str, Any]) -> None:
    """Every decision case, as files: the answer, its holder, its evidence, at that position and instant."""
    told.write("policy/policy.yaml", json.dumps(case.policy_document(shipped)))
    use = {"territories": list(case.territories), "model": case.model}
    told.dataset("d", case.purpose, **{name: value for name, value in use.items() if value})
    (told.root / "log" / "rights.jsonl").write_bytes(b"".join(record.value + b"\n" for record in case.rights))
    content = b"".join(record.value + b"\n" for record in case.content[: case.expect.index + 1])
    (told.root / "content.jsonl").write_bytes(content)
    at, upto = format_instant(case.at_us), case.rights_at
    answer = told.ok("decide", "--at", at, "--rights-at", upto, told.root / "content.jsonl")
    found = answer.json
    wanted = case.expect
    assert (found["verdict"], found["reason"], found["holder"]) == (wanted.verdict, wanted.reason, wanted.holder)
    statement, _, rest = found["evidence"].rpartition("@")
    assert rest.startswith(f"{case.rights_at}#")
    if wanted.evidence_statement is not None:
        assert statement == wanted.evidence_statement
