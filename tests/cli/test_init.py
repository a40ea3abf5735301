"""``gatekeeper init``."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Desk, names, tree


def test_what_exists_is_never_overwritten(tmp_path: Path) -> None:
    """A file in the way refuses the whole command, names itself, and stays as it was."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "policy.yaml").write_text("mine")
    before = tree(tmp_path)
    answer = Desk(tmp_path).run("init", tmp_path, workspace=False)
    assert answer.code == 2
    assert "policy/policy.yaml" in answer.err
    assert tree(tmp_path) == before


def test_a_workspace_is_not_made_twice(desk: Desk) -> None:
    """Init on a workspace is refused: its logs are not empty any more."""
    before = tree(desk.root)
    assert desk.run("init", desk.root, workspace=False).code == 2
    assert tree(desk.root) == before


def test_a_folder_with_other_files_is_added_to(tmp_path: Path) -> None:
    """Where nothing is in the way, init only adds."""
    (tmp_path / "notes.txt").write_text("mine")
    assert Desk(tmp_path).run("init", tmp_path, workspace=False).code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "gatekeeper.yaml").is_file()


def test_bare_is_policy_and_purposes_only(bare: Desk) -> None:
    """--bare: empty logs, no terms, no dataset; and it is a workspace."""
    found = tree(bare.root)
    assert found["log/content.jsonl"] == found["log/rights.jsonl"] == b""
    assert not [name for name in found if name.startswith("datasets/") or "terms" in name]
    assert "policy/policy.yaml" in found
    assert bare.ok("apply", "--json").json["changes"][0]["type"] == "policy.activated"


def test_a_new_workspace_is_applied(desk: Desk) -> None:
    """The shipped terms, the policy and three datasets are on the rights log, and nothing is left to apply."""
    assert names(desk.log("rights"), "type") == [
        "rights.terms.published",
        "rights.terms.published",
        "policy.activated",
        "dataset.declared",
        "dataset.declared",
        "dataset.declared",
    ]
    assert desk.ok("apply", "--json").json["changes"] == []


def test_the_same_clock_makes_the_same_workspace(tmp_path: Path) -> None:
    """Two workspaces made at one instant hold the same bytes."""
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    for each in (one, two):
        assert each.run("init", each.root, workspace=False).code == 0
    assert tree(one.root) == tree(two.root)
