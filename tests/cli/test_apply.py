"""``gatekeeper apply``."""

from __future__ import annotations

import pytest
import yaml

from gatekeeper.core.policy import digest_of
from gatekeeper.edges.yaml_files import read_yaml
from tests.cli.conftest import Desk, event, lines, names, tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\nowner: o\ndescription: d\npurpose: training.magic\napproval: none\n", "training.magic"),
        ("name: y\nowner: o\ndescription: d\npurpose: service\napproval: none\n", "declares 'y'"),
        ("name: x\nowner: o\ndescription: d\npurpose: service\napproval: maybe\n", "approval"),
        ("name: x\nowner: o\ndescription: d\npurpose: service\napproval: none\nterritory: [DE]\n", "territories"),
        ("name: x\nowner: o\ndescription: d\npurpose: service\napproval: none\nterritories: [XYZ]\n", "territories"),
        ("owner: o\n", "name"),
        ("just text", "x.yaml"),
        ("", "x.yaml"),
    ],
)
def test_a_declaration_that_is_none_is_refused_and_nothing_is_written(desk: Desk, text: str, says: str) -> None:
    """Whatever is wrong with a declaration is named; neither the log nor the lake changes."""
    desk.write("datasets/x.yaml", text)
    before = tree(desk.root)
    answer = desk.run("apply")
    assert answer.code == 2
    assert says in answer.err
    assert tree(desk.root) == before


def test_a_declaration_under_another_ending_is_not_overlooked(desk: Desk) -> None:
    """A .yml file would silently declare nothing; it is refused."""
    desk.dataset("x", "service").rename(desk.root / "datasets" / "x.yml")
    answer = desk.run("apply")
    assert (answer.code, "x.yml would be overlooked" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("layers: [claim,", "layers: [claim, claim,", "layers"),
        ('takedown: ["*"]', "takedown: []", "takedown"),
        ("dispute: [training,", "dispute: [trainin,", "trainin"),
        ("purposes:", "porpoises:", "purposes is missing"),
    ],
)
def test_a_policy_that_is_none_is_refused(desk: Desk, old: str, new: str, says: str) -> None:
    """An incomplete or misspelled policy never becomes active."""
    text = (desk.root / "policy" / "policy.yaml").read_text()
    assert old in text
    desk.write("policy/policy.yaml", text.replace(old, new))
    before = desk.log("rights")
    answer = desk.run("apply")
    assert answer.code == 2
    assert says in answer.err
    assert desk.log("rights") == before


def test_without_changes_it_does_nothing_and_says_so(desk: Desk) -> None:
    """Apply may be run at will."""
    before = tree(desk.root)
    assert "Nothing to do" in desk.ok("apply").out
    assert tree(desk.root) == before


def test_a_dry_run_shows_and_writes_nothing(desk: Desk) -> None:
    """--dry-run tells what would change."""
    desk.dataset("x", "service")
    before = tree(desk.root)
    answer = desk.ok("apply", "--dry-run", "--json")
    assert (answer.json["applied"], names(answer.json["changes"], "name")) == (False, ["x"])
    assert tree(desk.root) == before


def test_a_comment_is_no_change(desk: Desk) -> None:
    """A policy is known by what it says, not by how it is written."""
    text = (desk.root / "policy" / "policy.yaml").read_text()
    desk.write("policy/policy.yaml", f"# another word\n{text}")
    assert desk.ok("apply", "--json").json["changes"] == []


def test_what_changes_is_shown_place_by_place(desk: Desk) -> None:
    """The diff names each place, before and after."""
    path = desk.root / "datasets" / "recommendation.yaml"
    path.write_text(path.read_text().replace("purpose: service.recommendation", "purpose: service.search"))
    change = desk.ok("apply", "--json").json["changes"][0]
    assert (change["type"], change["name"]) == ("dataset.declared", "recommendation")
    assert change["differences"] == ["~ purpose: service.recommendation -> service.search"]


def test_a_whole_table_is_named_and_not_written_out(desk: Desk) -> None:
    """People see which table is new and how long it is; --json has all of it."""
    path = desk.root / "policy" / "policy.yaml"
    document = read_yaml(path)
    del document["signals"]
    path.write_text(yaml.safe_dump(document))
    shown = desk.ok("apply", "--dry-run").out
    (change,) = desk.ok("apply", "--dry-run", "--json").json["changes"]
    assert "- signals: " in shown
    assert "--json shows them" in shown
    assert "aipref-07/train-ai" not in shown
    assert "aipref-07/train-ai" in change["differences"][0]


def test_a_declaration_file_that_is_gone_retires_its_dataset(desk: Desk) -> None:
    """Taking the file away is how a dataset is retired."""
    (desk.root / "datasets" / "recommendation.yaml").unlink()
    desk.ok("apply")
    last = desk.log("rights")[-1]
    assert (last["type"], last["data"]["name"]) == ("dataset.retired", "recommendation")
    assert desk.ok("apply", "--json").json["changes"] == []


def test_going_back_to_an_earlier_declaration_counts(desk: Desk) -> None:
    """A, then B, then A again are three events of their own: the last one stands."""
    desk.dataset("x", "service")
    first = desk.ok("apply", "--json").json["changes"][0]["digest"]
    desk.dataset("x", "service.search")
    desk.ok("apply")
    desk.dataset("x", "service")
    desk.ok("apply")
    events = [e for e in desk.log("rights") if e["data"].get("name") == "x"]
    assert len({e["id"] for e in events}) == len(events) == 3
    assert events[-1]["data"]["digest"] == first
    assert desk.ok("apply", "--json").json["changes"] == []


def test_every_digest_on_the_log_can_be_resolved(desk: Desk) -> None:
    """Policy and declarations, also those replaced since, are kept in the lake under their digests."""
    desk.dataset("x", "service")
    desk.ok("apply")
    desk.dataset("x", "service.search")
    desk.ok("apply")
    kept = {
        f"{path.parent.name}/sha256:{path.stem}": digest_of(read_yaml(path))
        for path in (desk.root / "lake" / "kept").rglob("*.json")
    }
    told = {
        f"{'policy' if e['type'].startswith('policy') else 'dataset'}/{e['data']['digest']}"
        for e in desk.log("rights")
        if "digest" in e["data"]
    }
    assert told <= kept.keys()
    assert all(name.endswith(digest) for name, digest in kept.items())


def test_norway_is_a_territory(desk: Desk) -> None:
    """NO in a list of territories is a country and no boolean."""
    desk.write(
        "datasets/x.yaml",
        "name: x\nowner: o\ndescription: d\npurpose: service\napproval: none\nterritories: [NO, se]\n",
    )
    desk.ok("apply")


def test_a_policy_that_can_read_less_says_whom_it_would_hold(desk: Desk) -> None:
    """A purpose taken away makes the events that name it unreadable: apply warns before it happens."""
    desk.ok(
        "rights",
        "append",
        "-",
        stdin=lines(
            event(
                "rights.consent.granted", speaker="account:n", subject="asset:a", purposes=["service.customer_support"]
            )
        ),
    )
    text = (desk.root / "policy" / "policy.yaml").read_text()
    desk.write("policy/policy.yaml", text.replace("  service.customer_support:\n", ""))
    assert desk.ok("apply", "--dry-run", "--json").json["unreadable"] == [len(desk.log("rights")) - 1]
    assert "will be held" in desk.ok("apply", "--dry-run").out
