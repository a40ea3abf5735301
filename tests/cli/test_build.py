"""``gatekeeper build`` on workspaces whose log has been drained by the gate."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekeeper.core.commits import Committed
from gatekeeper.core.layout import CATALOG, DECISIONS
from gatekeeper.core.manifest import read_manifest
from gatekeeper.core.tables import CONTENT_SCHEMA, DATASET_SCHEMA, DECISIONS_SCHEMA
from gatekeeper.edges.delta import Lake
from tests.cli.conftest import Desk, event, lines, names, published, tree
from tests.core.content_records import CONTRACTS

ANALYTICAL = "training.analytical"
LATER = "2025-06-02T00:00:00Z"


def drained(root: Path, declared: dict[str, Any] | None = None) -> Desk:
    """Five tracks of one account that the shipped terms permit, decided and folded for the dataset ``d``."""
    desk = Desk(root)
    assert desk.run("init", desk.root, workspace=False).code == 0
    desk.dataset("d", ANALYTICAL, **(declared or {}))
    desk.ok("apply")
    tracks = [published(f"song{i}", title=f"Song {i}", genres=["jazz"], duration_ms=i * 1000) for i in range(5)]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    return desk


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``drained``, once; tests copy it."""
    return drained(tmp_path_factory.mktemp("made") / "workspace").root


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Desk:
    return Desk(Path(shutil.copytree(made, tmp_path / "workspace")))


def rows_of(desk: Desk, build: str) -> list[dict[str, Any]]:
    dataset, version = build.split("@")
    parts = sorted((desk.root / "builds" / dataset / version / "data").iterdir())
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def refused_of(desk: Desk, build: str) -> list[dict[str, Any]]:
    path = desk.root / "builds" / build.replace("@", "/") / "refused.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def plant(desk: Desk, *rows: dict[str, Any]) -> None:
    """Rows put into the dataset table by somebody who is no fold."""
    table = Lake(desk.root / "lake").dataset("d")
    file = table.write(pa.Table.from_pylist(list(rows), schema=DATASET_SCHEMA))
    assert isinstance(table.replace([], [file], table.folded, {}), Committed)


def dataset_rows(desk: Desk) -> list[dict[str, Any]]:
    table = Lake(desk.root / "lake").dataset("d")
    return table.read(table.paths()).to_pylist()


def withdraw(desk: Desk, asset: str) -> None:
    withdrawn = event(
        "rights.consent.withdrawn", speaker="account:nina", subject=f"asset:{asset}", purposes=["training"]
    )
    desk.ok("rights", "append", "-", stdin=lines(withdrawn))


def test_a_withdrawal_after_the_gate_keeps_the_row_out(world: Desk) -> None:
    """The stored permit is not trusted: the row is refused for the kernel's reason and is no forgery."""
    withdraw(world, "song1")
    answer = world.ok("build", "d", "--json").json
    assert answer["refused"] == {"consent.withdrawn": 1}
    assert names(rows_of(world, answer["build"]), "asset_id") == ["song0", "song2", "song3", "song4"]
    [refused] = refused_of(world, answer["build"])
    assert (refused["asset_id"], refused["verdict"], refused["forged"]) == ("song1", "deny", False)
    assert refused["holder"] == "account:nina"


def test_a_row_without_an_event_is_forged(world: Desk) -> None:
    """Nobody published it: it is refused and named."""
    plant(world, {**dataset_rows(world)[0], "asset_id": "ghost", "offset": 99})
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (5, {"not_in_catalog": 1}, 1)
    [refused] = refused_of(world, answer["build"])
    assert (refused["asset_id"], refused["offset"], refused["forged"]) == ("ghost", 99, True)


def test_a_row_of_another_assets_event_is_forged(world: Desk) -> None:
    """A place is an event's and its asset's."""
    plant(world, {**dataset_rows(world)[0], "asset_id": "ghost"})
    assert world.ok("build", "d", "--json").json["refused"] == {"not_in_catalog": 1}


def test_a_row_with_another_payload_is_forged(world: Desk) -> None:
    """A title that nobody published."""
    [row] = [row for row in dataset_rows(world) if row["asset_id"] == "song2"]
    table = Lake(world.root / "lake").dataset("d")
    kept = pa.Table.from_pylist([r for r in dataset_rows(world) if r != row], schema=DATASET_SCHEMA)
    edited = pa.Table.from_pylist([{**row, "title": "Another"}], schema=DATASET_SCHEMA)
    table.replace(table.paths(), [table.write(kept), table.write(edited)], table.folded, {})
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (4, {"not_in_catalog": 1}, 1)


def test_an_asset_with_two_rows_is_in_no_candidate(world: Desk) -> None:
    """Which of the two is right, nobody can say."""
    plant(world, dataset_rows(world)[0])
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (4, {"duplicate": 2}, 2)


def test_an_event_the_catalogue_holds_twice_is_in_no_candidate(world: Desk) -> None:
    """Whichever of the two payloads were taken, it might be the wrong one."""
    catalog = Lake(world.root / "lake").open(CATALOG)
    [song] = [row for row in catalog.scan().to_pylist() if row["asset_id"] == "song2"]
    again = pa.Table.from_pylist([{**song, "event_id": "again"}], schema=CONTENT_SCHEMA)
    assert isinstance(catalog.append(again, {}, {}), Committed)
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"]) == (4, {"duplicate": 2})


def test_an_older_event_does_not_bring_its_asset_back(world: Desk) -> None:
    """Planted row of an event that was permitted once: the asset was updated since, and its last decision is no."""
    [old] = [row for row in dataset_rows(world) if row["asset_id"] == "song3"]
    tagged = event("content.updated", LATER, asset_id="song3", account_id="nina", tags=["no-ai"])
    world.ok("content", "append", "-", stdin=lines(tagged))
    world.ok("gate", "--drain")
    plant(world, old)
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (4, {"superseded": 1}, 1)


def forge_permit(desk: Desk, asset: str, **more: Any) -> None:
    """A row in the dataset and a permit in ``decisions``, as if the gate had written both."""
    lake = Lake(desk.root / "lake")
    table = lake.open(DECISIONS)
    [last] = [row for row in table.scan().to_pylist() if row["asset_id"] == asset and row["dataset"] == "d"]
    permit = {**last, "verdict": "permit", "reason": "terms.permit", **more}
    assert isinstance(table.append(pa.Table.from_pylist([permit], schema=DECISIONS_SCHEMA), {}, {}), Committed)


def test_a_forged_permit_is_found_by_deciding_it_again(world: Desk) -> None:
    """In ``decisions`` and, by the fold, in the dataset: the rights log never permitted it."""
    world.ok("content", "append", "-", stdin=lines(published("tagged", tags=["no-ai"])))
    world.ok("gate", "--drain")
    forge_permit(world, "tagged")
    answer = world.ok("build", "d", "--json").json
    assert (answer["refused"], answer["forged"]) == ({"reservation.no_ai_tag": 1}, 1)
    assert "tagged" not in names(rows_of(world, answer["build"]), "asset_id")


def test_a_permit_from_a_position_that_does_not_exist_is_forged(world: Desk) -> None:
    """Nothing was ever decided beyond the end of the rights log."""
    withdraw(world, "song1")
    forge_permit(world, "song1", rights_position=10_000)
    answer = world.ok("build", "d", "--json").json
    assert (answer["refused"], answer["forged"]) == ({"consent.withdrawn": 1}, 1)


def test_a_decision_the_fold_has_not_seen_is_folded_first(world: Desk) -> None:
    """A no in ``decisions`` takes the row out before anything is built."""
    forge_permit(world, "song4", verdict="deny", reason="claim.takedown")
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"]) == (4, {})


def test_an_asset_whose_removal_is_not_decided_yet_is_held_back(world: Desk) -> None:
    """The catalogue knows a later event than the decisions: the row is refused, and is no forgery."""
    removed = event("content.removed", LATER, asset_id="song0", account_id="nina")
    world.ok("content", "append", "-", stdin=lines(removed))
    copies = {
        name: Path(shutil.copytree(world.root / "lake" / name, world.root / name.replace("/", "-")))
        for name in ("decisions", "datasets/d")
    }
    world.ok("gate", "--drain")
    for name, copy in copies.items():
        shutil.rmtree(world.root / "lake" / name)
        shutil.move(copy, world.root / "lake" / name)
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (4, {"superseded": 1}, 0)
    assert [row["verdict"] for row in refused_of(world, answer["build"])] == ["hold"]


def test_a_permit_under_an_older_declaration_is_no_forgery(world: Desk) -> None:
    """It was true of the use that was declared then; the rows are refused for the use declared now."""
    world.dataset("d", "training.generative")
    world.ok("apply")
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (0, {"terms.unclear": 5}, 0)


@pytest.mark.parametrize("policy", ["sha256:" + "0" * 64, "no digest"])
def test_a_permit_under_a_policy_that_never_was_is_forged(world: Desk, policy: str) -> None:
    """The lake keeps every policy that was ever active."""
    withdraw(world, "song1")
    forge_permit(world, "song1", policy=policy)
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (4, {"consent.withdrawn": 1}, 1)


def test_an_event_of_any_shape_is_its_own_row(world: Desk) -> None:
    """Empty, null and unknown fields, other scripts: what the gate folded is not taken for a forgery."""
    shapes: list[dict[str, Any]] = [
        {"identifiers": {}},
        {"identifiers": {"isrc": None, "content_sha256": "AB"}},
        {"identifiers": None, "interests": None, "attributes": None},
        {
            "interests": [],
            "catalogs": [],
            "tags": [],
            "reservations": [],
            "artists": [],
            "genres": [],
            "attributes": {},
        },
        {"tags": ["", "x"], "artists": ["Ænima", "音楽", ""], "genres": ["a", "a"]},
        {"attributes": {"b": "", "a": "1"}, "duration_ms": 0, "published_at": "2020-02-29T23:59:59.999999+14:00"},
        {"title": "", "licence": "", "media_uri": "s3://b/ü", "unknown": {"deep": [1, None]}},
    ]
    events = [published(f"shape{i}", **shape) for i, shape in enumerate(shapes)]
    world.ok("content", "append", "-", stdin=lines(*events))
    world.ok("gate", "--drain")
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"]) == (5 + len(shapes), {})


def test_an_earlier_instant_defers_no_restriction(world: Desk) -> None:
    """``--at`` before a withdrawal that names no time: the withdrawal holds from when it was said."""
    withdraw(world, "song1")
    answer = world.ok("build", "d", "--at", "2025-05-20T00:00:00Z", "--json").json
    assert answer["build"] == "d@20250601T000000Z"
    assert answer["refused"] == {"consent.withdrawn": 1}


def test_rules_that_were_not_applied_build_nothing(world: Desk) -> None:
    """What is decided with is what the log says is active."""
    world.dataset("d", "training.generative")
    answer = world.run("build", "d")
    assert (answer.code, "gatekeeper apply" in answer.err) == (2, True)
    assert not (world.root / "builds").exists()


@pytest.mark.parametrize("where", [{"mood": "sad"}, {"genres": []}, {"duration_ms": {"min": 3}}, {"published_at": 3}])
def test_a_selection_nobody_understands_is_refused_when_it_is_declared(world: Desk, where: dict[str, Any]) -> None:
    """Not when it is built, and never passed over."""
    world.dataset("d", ANALYTICAL, where=where)
    answer = world.run("apply")
    assert answer.code == 2
    assert "known:" in answer.err


def test_a_dataset_that_is_not_declared_lists_the_known(world: Desk) -> None:
    answer = world.run("build", "nobody")
    assert (answer.code, "recommendation" in answer.err) == (2, True)


def test_a_dataset_nothing_was_decided_for_says_what_to_run(bare: Desk) -> None:
    """An empty candidate would look like an answer."""
    bare.dataset("d", ANALYTICAL)
    bare.ok("apply")
    answer = bare.run("build", "d")
    assert (answer.code, "gate --drain" in answer.err) == (2, True)


@pytest.mark.parametrize("version", ["../up", "a b", ".hidden", ""])
def test_a_version_that_is_no_name_is_bad_input(world: Desk, version: str) -> None:
    answer = world.run("build", "d", "--version", version or " ")
    assert answer.code == 2
    assert not list(world.root.glob("builds/d/*"))


def test_a_build_is_never_written_over(world: Desk) -> None:
    """The second says so and changes nothing."""
    world.ok("build", "d", "--version", "1")
    before = tree(world.root / "builds")
    answer = world.run("build", "d", "--version", "1")
    assert (answer.code, "already" in answer.err) == (2, True)
    assert tree(world.root / "builds") == before


def test_the_same_inputs_give_the_same_bytes(world: Desk) -> None:
    """Built twice at one instant: every file the same."""
    withdraw(world, "song1")
    at = ("--at", "2025-06-20T13:00:00Z", "--version", "1")
    world.ok("build", "d", *at)
    first = tree(world.root / "builds")
    shutil.rmtree(world.root / "builds")
    world.now = "2025-06-21T00:00:00Z"
    world.ok("build", "d", *at)
    assert tree(world.root / "builds") == first
    assert sorted(first) == ["d/1/data/part-00000.parquet", "d/1/manifest.json", "d/1/refused.jsonl"]


def test_the_manifest_names_every_file_and_what_it_rests_on(world: Desk) -> None:
    """Digests and rows are those of the files; counts add up."""
    withdraw(world, "song1")
    answer = world.ok("build", "d", "--json").json
    folder = world.root / "builds" / "d" / "20250620T120000Z"
    assert (answer["build"], answer["path"]) == ("d@20250620T120000Z", str(folder))
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    assert CONTRACTS.check_manifest(json.loads((folder / "manifest.json").read_bytes())) is None
    assert answer["manifest"] == "sha256:" + hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    found = {f.path: (hashlib.sha256((folder / f.path).read_bytes()).hexdigest(), f.rows) for f in manifest.files}
    assert found == {f.path: (f.sha256, f.rows) for f in manifest.files}
    assert {f.path for f in manifest.files} == set(tree(folder)) - {"manifest.json"}
    assert (manifest.rows, manifest.counts.permitted, manifest.counts.by_layer) == (
        4,
        {"terms.permit": 4},
        {"terms": 4},
    )
    assert manifest.counts.refused == {"consent.withdrawn": 1}
    assert manifest.basis.rights_position == len(world.log("rights"))
    assert manifest.basis.terms == "terms-2025-05"
    assert manifest.declaration["name"] == "d"
    assert set(manifest.basis.tables) == {"catalog", "decisions", "datasets/d"}


def test_every_row_is_counted_by_when_its_content_is_of(tmp_path: Path) -> None:
    """Refused, forged, left out by ``where`` or permitted; by ``published_at``, and by the event's time without one."""
    desk = Desk(tmp_path / "workspace")
    assert desk.run("init", desk.root, workspace=False).code == 0
    desk.dataset("d", ANALYTICAL, columns=["genres"], where={"genres": ["jazz"]})
    desk.ok("apply")
    of = {"a": "2024-01-31T23:59:59Z", "b": "2024-02-01T01:00:00+02:00", "c": "2024-02-01T00:00:00Z", "d": None}
    tracks = [published(name, genres=["jazz"], **({"published_at": at} if at else {})) for name, at in of.items()]
    tracks.append(published("e", genres=["folk"], published_at="2023-12-01T00:00:00Z"))
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    plant(desk, {**dataset_rows(desk)[0], "asset_id": "nobody", "published_at": None})
    withdraw(desk, "c")
    desk.ok("build", "d", "--version", "1")
    document = json.loads((desk.root / "builds" / "d" / "1" / "manifest.json").read_bytes())
    assert CONTRACTS.check_manifest(document) is None
    event_month = json.loads(tracks[3])["time"][:7]
    assert document["over_time"] == {
        "period": "month",
        "rows": {
            "2023-12": {"permit": {"not_selected": 1}},
            "2024-01": {"permit": {"terms.permit": 2}},
            "2024-02": {"deny": {"consent.withdrawn": 1}},
            event_month: {"permit": {"terms.permit": 1}},
            "unknown": {"deny": {"not_in_catalog": 1}},
        },
    }


def test_parts_are_sorted_and_made_for_reading(tmp_path: Path) -> None:
    """By asset id over all parts, as many rows as declared, compressed as declared, with the columns declared."""
    desk = drained(tmp_path / "workspace", {"rows_per_file_max": 2, "compression": "snappy", "columns": ["title"]})
    build = desk.ok("build", "d", "--json").json["build"]
    parts = sorted((desk.root / "builds" / build.replace("@", "/") / "data").iterdir())
    assert [pq.read_metadata(part).num_rows for part in parts] == [2, 2, 1]
    rows = rows_of(desk, build)
    assert names(rows, "asset_id") == [f"song{i}" for i in range(5)]
    assert list(rows[0]) == ["asset_id", "title", "partition", "offset", "reason", "evidence"]
    column = pq.read_metadata(parts[0]).row_group(0).column(0)
    assert (column.compression, column.is_stats_set, column.has_offset_index) == ("SNAPPY", True, True)


def test_what_where_leaves_out_is_selection_not_refusal(tmp_path: Path) -> None:
    """It stays permitted, is counted as not selected, and its decision is shown."""
    desk = drained(tmp_path / "workspace", {"where": {"duration_ms": {"at_least": 3000}, "genres": "jazz"}})
    answer = desk.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"], answer["forged"]) == (2, {"not_selected": 3}, 0)
    assert {(row["verdict"], row["reason"]) for row in refused_of(desk, answer["build"])} == {
        ("permit", "not_selected")
    }


def test_a_candidate_may_be_empty(world: Desk) -> None:
    """One part without rows still says which columns there are."""
    for number in range(5):
        withdraw(world, f"song{number}")
    answer = world.ok("build", "d", "--json").json
    assert (answer["rows"], answer["refused"]) == (0, {"consent.withdrawn": 5})
    assert rows_of(world, answer["build"]) == []


def test_people_see_what_is_in_it_and_what_is_next(world: Desk) -> None:
    withdraw(world, "song1")
    answer = world.ok("build", "d")
    for word in ("4 rows", "consent.withdrawn", "gatekeeper check d@20250620T120000Z"):
        assert word in answer.out
