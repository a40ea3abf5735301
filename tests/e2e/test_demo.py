"""The demo on its invented world: what it shows is what SQL over the raw logs says, and it tells everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.strict_json import JsonProblem, loads
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.stages.demo_world import World, read_world
from tests.e2e.demo_run import ROOT, Demo, check_against_oracle, gatekeeper, run_demo

WORLD = ROOT / "gatekeeper" / "shipped" / "demo" / "world.yaml"

TOLD = {
    "claim.takedown",
    "claim.deletion",
    "claim.dispute",
    "claim.account_control",
    "agreement.permit",
    "agreement.prohibit",
    "consent.opt_in",
    "consent.withdrawn",
    "reservation.no_ai_tag",
    "reservation.aipref",
    "licence.permit",
    "terms.permit",
    "terms.opt_in_required",
    "title.missing_role",
    "evidence.unreadable",
    "evidence.unsupported",
}
"""Reasons the story must reach; without one of them a part of the situation is not told."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def world() -> World:
    return read_world(read_yaml(WORLD))


def test_the_demo_decides_what_sql_over_the_raw_logs_decides(demo: Demo) -> None:
    """Every asset and dataset, by verdict and reason; dataset rows and dead letters too; each event decided once."""
    check_against_oracle(demo)


def test_the_demo_tells_the_whole_situation(demo: Demo) -> None:
    """Every reason that the shipped policy, terms and datasets can give stands in the table it shows."""
    assert {reason for _, _, reason in demo.counts} == TOLD


@pytest.mark.parametrize(
    ("dataset", "asset", "verdict", "reason"),
    [
        ("recommendation", "xx-best-music-xx/signal-fire-hq", "deny", "claim.takedown"),
        ("recommendation", "iris/regretted", "deny", "claim.deletion"),
        ("recommendation", "osmo/echo-chamber", "hold", "evidence.unreadable"),
        ("analytical-training", "ilse/afterthought", "deny", "reservation.no_ai_tag"),
        ("voice-replication", "ada/difference-engine", "deny", "reservation.aipref"),
        ("analytical-training", "ada/difference-engine", "permit", "terms.permit"),
        ("analytical-training", "ada/analytical-engine", "hold", "evidence.unsupported"),
        ("analytical-training", "harbour-music/dockside-duet", "deny", "consent.withdrawn"),
        ("analytical-training", "vale/own-chorus", "permit", "terms.permit"),
        ("analytical-training", "city-archive/tram-line-4", "permit", "licence.permit"),
        ("voice-replication", "city-archive/tram-line-4", "deny", "terms.opt_in_required"),
        ("voice-replication", "northlight-uploads/low-ceiling", "deny", "agreement.prohibit"),
        ("voice-replication", "northlight-uploads/radio-summer", "deny", "terms.opt_in_required"),
        ("voice-replication", "harbour-music/longshore", "deny", "terms.opt_in_required"),
        ("voice-replication", "harbour-music/demo-tape", "hold", "title.missing_role"),
        ("voice-replication", "harbour-music/harbour-lights", "permit", "consent.opt_in"),
        ("voice-replication", "jonas/closed-door", "deny", "consent.withdrawn"),
        ("voice-replication", "jonas/open-door", "permit", "consent.opt_in"),
        ("voice-replication", "tova/last-year", "deny", "terms.opt_in_required"),
        ("voice-replication", "remy/next-century", "deny", "terms.opt_in_required"),
    ],
)
def test_chapters_end_as_they_are_told(demo: Demo, dataset: str, asset: str, verdict: str, reason: str) -> None:
    """What the story promises about a recording is what was decided about it."""
    assert demo.last_decisions()[dataset, asset] == (verdict, reason)


def test_every_line_of_the_world_is_an_event_except_those_meant_not_to_be(world: World) -> None:
    """A slip in the shipped world would be taken for the story: three content lines are broken, and no rights line."""
    contracts = contracts_of(read_schemas())
    content = [loads(line) for chapter in world.chapters for line in chapter.content]
    broken = [line for line in content if isinstance(line, JsonProblem) or contracts.check_content(line) is not None]
    assert len(broken) == 3
    assert content[-3:] == broken
    rights = [json.loads(line) for chapter in world.chapters for line in chapter.rights]
    assert [event["id"] for event in rights if contracts.check_rights(event) is not None] == []


def test_people_see_story_table_and_explanation(tmp_path: Path) -> None:
    """Without --json: the chapters, a bar per reason, the dead letters, one explanation, and what to try next."""
    ran = gatekeeper("demo", str(tmp_path / "d"))
    assert ran.returncode == 0, ran.stderr
    for said in ("Terms that say AI", "terms.opt_in_required", "█", "bad_json", "consent.withdrawn", "holds"):
        assert said in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_folder_is_made_and_named_when_none_is_given(tmp_path: Path) -> None:
    """`gatekeeper demo` alone keeps its workspace in a new temporary folder and says where."""
    ran = gatekeeper("demo", "--json", TMPDIR=str(tmp_path))
    workspace = Path(json.loads(ran.stdout.splitlines()[-1])["workspace"])
    assert workspace.parent == tmp_path
    assert (workspace / "gatekeeper.yaml").is_file()


def test_a_demo_never_adds_to_a_workspace_in_use(demo: Demo) -> None:
    """Run again in its own folder it refuses, with exit code 2, and appends nothing."""
    before = (demo.workspace / "log" / "content.jsonl").read_bytes()
    ran = gatekeeper("demo", str(demo.workspace))
    assert ran.returncode == 2
    assert (demo.workspace / "log" / "content.jsonl").read_bytes() == before
