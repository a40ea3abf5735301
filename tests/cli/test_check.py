"""``gatekeeper check``: for each expectation a candidate that fails it, and the row that is named."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gatekeeper.core.manifest import manifest_bytes, manifest_digest, read_manifest
from gatekeeper.core.quality import passed_for
from gatekeeper.core.tallies import Look
from tests.cli.conftest import Desk, event, lines, published
from tests.support.checked_candidates import entry, refusal, rows_of, with_values, write_candidate

pytestmark = pytest.mark.skipif(find_spec("great_expectations") is None, reason="needs gatekeeper[quality]")

DATASET = "analytical-training"
BUILD = f"{DATASET}@v1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four permitted songs; ``b`` carries an ISRC and a content hash. Made once; tests copy it."""
    house = Desk(tmp_path_factory.mktemp("made") / "workspace")
    assert house.run("init", house.root, workspace=False).code == 0
    identifiers = {"isrc": "QZ-ABC-25-00001", "content_sha256": "AB" * 32}
    songs = [
        published("a", title="One", attributes={"mood": "calm"}),
        published("b", "otto", title="Two", identifiers=identifiers),
        published("c", title="Three", interests=[{"party_id": "p1", "role": "recording"}]),
        published("d", title="Four", genres=["folk", "choir"]),
    ]
    gate(house, *songs)
    assert rows_of(house.root, DATASET)["asset_id"].to_pylist() == ["a", "b", "c", "d"]
    return house.root


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Desk:
    return Desk(Path(shutil.copytree(made, tmp_path / "workspace")))


def checked(house: Desk, build: str = BUILD) -> dict[str, Any]:
    answer = house.run("--json", "check", build)
    assert answer.code == (0 if answer.json["passed"] else 1), answer
    assert isinstance(answer.json, dict)
    return answer.json


def failed(house: Desk, build: str = BUILD) -> dict[str, list[tuple[str | None, str]]]:
    """What a check that must block says failed: name → (asset, reason)."""
    document = checked(house, build)
    assert document["passed"] is False
    return {
        met["name"]: [(row["asset_id"], row["reason"]) for row in met["offending"]]
        for met in document["expectations"]
        if not met["passed"] and met["severity"] == "critical"
    }


def rights(house: Desk, type_: str, **data: object) -> None:
    house.ok("rights", "append", "-", stdin=lines(event(type_, **data)))


def gate(house: Desk, *events: str) -> None:
    house.ok("content", "append", "-", stdin=lines(*events))
    house.ok("gate", "--drain")


# --- what passes


def test_a_candidate_as_it_should_be_passes(house: Desk) -> None:
    """Every expectation is met over every row, the result is bound to the manifest, and the page is kept with it."""
    folder = write_candidate(house.root, DATASET, rows_per_part=3)
    document = checked(house)
    assert document["passed"] is True
    assert {met["name"] for met in document["expectations"]} >= {"current_permit", "freshness", "files", "no_secrets"}
    assert {met["looked_at"] for met in document["expectations"] if met["name"] == "current_permit"} == {4}
    digest = manifest_digest(read_manifest((folder / "manifest.json").read_bytes()))
    assert document["manifest"] == digest
    assert passed_for((folder / "quality/results.json").read_bytes(), digest)
    assert b"current_permit" in (folder / "quality/docs/index.html").read_bytes()


def test_people_see_a_table(house: Desk) -> None:
    """Each expectation has a line, and the last line says that the candidate passed."""
    write_candidate(house.root, DATASET)
    answer = house.ok("check", BUILD)
    assert "current_permit" in answer.out
    assert answer.lines[-1].startswith(f"{BUILD}: passed")


def test_people_see_the_row_and_what_to_do(house: Desk) -> None:
    """A blocked candidate names the row, the reason and the next step."""
    write_candidate(house.root, DATASET)
    rights(house, "rights.claim.opened", claim_id="k1", kind="takedown", subject="asset:b")
    answer = house.run("check", BUILD)
    assert answer.code == 1
    assert "b: claim.takedown" in answer.out
    assert "what to do" in answer.out
    assert "blocked: current_permit" in answer.err


# --- 1. a current permit for exactly this purpose


def test_a_withdrawal_after_the_build_blocks(house: Desk) -> None:
    """Rows are decided at the log's end, whatever the build decided before."""
    write_candidate(house.root, DATASET)
    rights(house, "rights.claim.opened", claim_id="k1", kind="takedown", subject="asset:b")
    assert failed(house) == {"current_permit": [("b", "claim.takedown")]}


def test_a_planted_row_blocks(house: Desk) -> None:
    """A row that no event of the catalogue explains has no permit, whatever decisions and datasets say."""
    rows = rows_of(house.root, DATASET)
    forged = with_values(rows.slice(3, 1), "asset_id", {"d": "e"})
    write_candidate(house.root, DATASET, rows=pa.concat_tables([rows, forged]))
    assert failed(house)["current_permit"] == [("e", "not_in_catalog")]


def test_a_row_at_the_place_of_another_asset_blocks(house: Desk) -> None:
    """A place that belongs to another asset of the same candidate is no evidence."""
    rows = rows_of(house.root, DATASET)
    write_candidate(house.root, DATASET, rows=with_values(rows, "offset", {"d": 0}))
    assert failed(house)["current_permit"] == [("d", "not_in_catalog")]


def test_a_row_the_gate_refused_blocks(house: Desk) -> None:
    """A real event with a "no AI" tag is decided here too: a planted permit does not help it."""
    gate(house, published("e", tags=["No AI"]))
    rows = rows_of(house.root, DATASET)
    planted = with_values(with_values(rows.slice(3, 1), "asset_id", {"d": "e"}), "offset", {"e": 4})
    planted = with_values(with_values(planted, "title", {"e": None}), "genres", {"e": None})
    write_candidate(house.root, DATASET, rows=pa.concat_tables([rows, planted]))
    assert failed(house)["current_permit"] == [("e", "reservation.no_ai_tag")]


def test_a_later_event_that_says_no_blocks(house: Desk) -> None:
    """An old event of an asset gives no permit once a later one in the catalogue takes it back."""
    write_candidate(house.root, DATASET)
    gate(house, event("content.removed", "2025-06-02T00:00:00Z", asset_id="c", account_id="nina"))
    assert failed(house)["current_permit"] == [("c", "claim.deletion (its latest event)")]


def test_a_later_event_that_is_permitted_does_not_block(house: Desk) -> None:
    """An update that is permitted too leaves the row what it was: an event that was permitted and still is."""
    write_candidate(house.root, DATASET)
    update = event("content.updated", "2025-06-02T00:00:00Z", asset_id="c", account_id="nina", title="Three, again")
    gate(house, update)
    assert checked(house)["passed"] is True


def test_a_permit_for_another_purpose_blocks(house: Desk) -> None:
    """The rows of one dataset under the declaration of another purpose are not permitted."""
    house.dataset("voices", "training.generative.replication")
    house.ok("apply")
    write_candidate(house.root, "voices", rows=rows_of(house.root, DATASET))
    assert [asset for asset, _ in failed(house, "voices@v1")["current_permit"]] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("title", "Other"), ("genres", ["folk"]), ("attributes", [("mood", "wild")]), ("account_id", "otto")],
)
def test_a_changed_payload_blocks(house: Desk, column: str, value: object) -> None:
    """A row must be the catalogue's event, in every column; the value itself is not shown."""
    rows = with_values(rows_of(house.root, DATASET), column, {"a": value})
    folder = write_candidate(house.root, DATASET, rows=rows)
    assert failed(house) == {"payload_of_the_catalogue": [("a", f"differs in {column}")]}
    kept = (folder / "quality/results.json").read_text() + (folder / "quality/docs/index.html").read_text()
    assert "Other" not in kept
    assert "wild" not in kept


# --- 2. identity


@pytest.mark.parametrize(
    ("order", "offending"),
    [
        ([0, 2, 1, 3], ("b", "asset_id is out of order")),
        ([0, 1, 1, 2, 3], ("b", "asset_id stands twice")),
    ],
)
def test_rows_out_of_order_or_twice_block(house: Desk, order: list[int], offending: tuple[str, str]) -> None:
    """Across parts too: each part here holds one row."""
    rows = rows_of(house.root, DATASET).take(pa.array(order))
    write_candidate(house.root, DATASET, rows=rows, rows_per_part=1)
    assert failed(house) == {"identity": [offending]}


def test_a_row_without_an_id_blocks(house: Desk) -> None:
    """Nobody can decide what has no id."""
    rows = rows_of(house.root, DATASET)
    write_candidate(house.root, DATASET, rows=with_values(rows, "asset_id", {"b": None}))
    found = failed(house)
    assert found["identity"] == [(None, "asset_id is missing")]
    assert found["current_permit"] == [(None, "not_in_catalog")]


# --- 3. columns


def test_a_missing_column_blocks(house: Desk) -> None:
    """What is declared must be in the parts."""
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).drop_columns(["licence"]))
    assert failed(house) == {"columns": [(None, "column licence is missing")]}


def test_parts_that_cannot_be_judged_block_everything_about_rows(house: Desk) -> None:
    """Without the place of its event no row has a permit, and none is met by not being looked at."""
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).drop_columns(["offset"]))
    found = failed(house)
    assert found["current_permit"] == found["no_secrets"] == [(None, "the parts lack the column offset")]


def test_a_column_nobody_declared_blocks(house: Desk) -> None:
    """And one named like a person's data would block by its name as well."""
    rows = rows_of(house.root, DATASET)
    extra = rows.append_column("contact", pa.array(["x"] * 4))
    write_candidate(house.root, DATASET, rows=extra)
    assert failed(house) == {"columns": [(None, "column contact is not declared")]}


# --- 4. no refused identity under another id


@pytest.mark.parametrize(
    ("identifiers", "kind"),
    [({"isrc": "qzabc2500001"}, "ISRC"), ({"content_sha256": "ab" * 32}, "content hash")],
)
def test_a_refused_recording_under_another_id_blocks(house: Desk, identifiers: dict[str, str], kind: str) -> None:
    """A claim on an asset stops the same recording under another id, however ISRC and hash are spelled."""
    rights(house, "rights.claim.opened", claim_id="k1", kind="takedown", subject="asset:b")
    update = event("content.updated", "2025-06-03T00:00:00Z", asset_id="b", account_id="otto")
    gate(house, update, published("e", identifiers=identifiers))
    rows = rows_of(house.root, DATASET)
    assert rows["asset_id"].to_pylist() == ["a", "c", "d", "e"]
    write_candidate(house.root, DATASET, rows=rows)
    assert failed(house) == {"no_refused_identity": [("e", f"same {kind} as b (claim.takedown)")]}


# --- 5. against the last release


def release(house: Desk, rows: pa.Table) -> None:
    """A last release of these rows, by hand."""
    folder = write_candidate(house.root, DATASET, "r1", rows=rows)
    (house.root / "releases" / DATASET).mkdir(parents=True)
    folder.rename(house.root / "releases" / DATASET / "r1")
    latest = {"version": "r1", "manifest": "sha256:0"}
    (house.root / "releases" / DATASET / "latest.json").write_text(json.dumps(latest))


def test_losing_most_rows_without_a_refusal_blocks(house: Desk) -> None:
    """Three of four rows are gone and nobody refused them."""
    release(house, rows_of(house.root, DATASET))
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).slice(0, 1))
    assert failed(house) == {"unexplained_loss": [(None, "unexplained_loss is 0.75")]}


def test_losing_rows_to_refusals_does_not_block(house: Desk) -> None:
    """A takedown explains what is gone; what the build refused does too."""
    release(house, rows_of(house.root, DATASET))
    rights(house, "rights.claim.opened", claim_id="k1", kind="takedown", subject="asset:b")
    gate(house, event("content.updated", "2025-06-03T00:00:00Z", asset_id="b", account_id="otto"))
    gone = [refusal("c", "terms.prohibit")]
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).take(pa.array([0, 2])), refused=gone)
    assert checked(house)["passed"] is True


def test_rows_that_are_only_not_selected_are_not_explained(house: Desk) -> None:
    """Selection is not permission: whoever narrows it that much sets the bound too."""
    release(house, rows_of(house.root, DATASET))
    gone = [refusal(asset, "not_selected") for asset in "bcd"]
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).slice(0, 1), refused=gone)
    assert "unexplained_loss" in failed(house)


def test_another_mix_of_reasons_blocks(house: Desk) -> None:
    """All rows are permitted for another reason than in the last release."""
    before = with_values(rows_of(house.root, DATASET), "reason", dict.fromkeys("abcd", "consent.opt_in"))
    release(house, before)
    write_candidate(house.root, DATASET)
    assert failed(house) == {"reason_mix": [(None, "reason_shift is 1.0")]}


def test_a_last_release_that_cannot_be_read_blocks(house: Desk) -> None:
    """What cannot be compared is not met."""
    release(house, rows_of(house.root, DATASET))
    (house.root / "releases" / DATASET / "r1" / "manifest.json").unlink()
    write_candidate(house.root, DATASET)
    assert "unexplained_loss" in failed(house)


def test_an_empty_candidate_blocks(house: Desk) -> None:
    """All of nothing is not met."""
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).slice(0, 0))
    found = failed(house)
    assert found["rows"] == [(None, "rows is 0")]
    assert found["current_permit"] == [(None, "there was nothing to look at (rows)")]


# --- 6. freshness and rules


def test_being_behind_is_a_warning_unless_the_workspace_says_otherwise(house: Desk) -> None:
    """Every row is decided at the end anyway; the bound and its severity are data."""
    write_candidate(house.root, DATASET)
    rights(house, "rights.claim.opened", claim_id="k1", kind="takedown", subject="asset:nobody")
    assert checked(house)["passed"] is True
    (house.root / "expectations").mkdir()
    own = house.write(f"expectations/{DATASET}.yaml", "format: 1\nadjust: {freshness: {severity: critical}}\n")
    assert failed(house) == {"freshness": [(None, "rights_behind is 1")]}
    own.write_text("format: 1\nadjust: {freshness: {severity: critical, max_value: 1}}\n")
    assert checked(house)["passed"] is True


def test_a_position_that_the_log_does_not_have_blocks(house: Desk) -> None:
    """A candidate cannot know more of the rights log than there is."""
    folder = write_candidate(house.root, DATASET)
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    ahead = replace(manifest, basis=replace(manifest.basis, rights_position=manifest.basis.rights_position + 7))
    (folder / "manifest.json").write_bytes(manifest_bytes(ahead))
    assert failed(house) == {"known_position": [(None, "rights_ahead is 7")]}


def test_other_rules_block(house: Desk) -> None:
    """A candidate of another declaration is not a candidate for this one."""
    write_candidate(house.root, DATASET, declaration_digest="sha256:" + "0" * 64, purpose="service")
    assert failed(house) == {"same_rules": [(None, "rules_changed is 2")]}


# --- 7. secrets and persons


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"title": "write to Nina@Example.org"}, "e-mail address in title"),
        ({"attributes": {"note": "AKIAABCDEFGHIJKLMNOP"}}, "access key id in attributes.value"),
        ({"attributes": {"phone": "1"}}, "telling name in attributes.key"),
        ({"api_key": "1"}, "telling name in extra"),
        ({"media_uri": "https://m.example/x?X-Amz-Signature=0123456789abcdef"}, "signed link in media_uri"),
        ({"media_uri": "https://user:hunter2@m.example/x"}, "password in a link in media_uri"),
        ({"artists": ["A", "-----BEGIN RSA PRIVATE KEY-----"]}, "private key in artists"),
        ({"reservations": [{"vocabulary": "tag", "statement": "token: abcdefgh secret=abcdefgh"}]}, "credential in"),
    ],
)
def test_what_looks_like_a_secret_or_a_person_blocks(house: Desk, data: dict[str, object], reason: str) -> None:
    """In any column, however deep; the value is not shown."""
    gate(house, published("e", **data))
    folder = write_candidate(house.root, DATASET)
    found = failed(house)
    assert found.keys() == {"no_secrets"}
    assert [(asset, why.startswith(reason)) for asset, why in found["no_secrets"]] == [("e", True)]
    kept = (folder / "quality/results.json").read_text() + (folder / "quality/docs/index.html").read_text()
    for secret in ("Nina@", "AKIAABCD", "0123456789abcdef", "hunter2", "abcdefgh"):
        assert secret not in kept


def test_a_column_named_like_a_secret_blocks(house: Desk) -> None:
    """By its name, declared or not."""
    rows = rows_of(house.root, DATASET).append_column("owner_email", pa.array([""] * 4))
    declared = {"columns": [*rows.column_names]}
    write_candidate(house.root, DATASET, rows=rows, declaration=declared)
    assert failed(house)["columns"] == [(None, "column owner_email is named like a secret or a person")]


# --- 8. forged rows and files


def test_a_forged_row_that_the_build_met_blocks(house: Desk) -> None:
    """It is not in the parts, and yet somebody wrote it into the lake."""
    write_candidate(house.root, DATASET, refused=[refusal("x", "not_in_catalog", forged=True)])
    assert failed(house) == {"no_forged_row": [("x", "forged row (not_in_catalog)")]}


@pytest.mark.parametrize("line", ["{", "[]", '{"asset_id": "x", "reason": "r"}', '{"reason": "r", "forged": 0}'])
def test_a_refusal_that_cannot_be_read_blocks(house: Desk, line: str) -> None:
    """It might have been a forged row."""
    folder = write_candidate(house.root, DATASET)
    rewritten(folder, lambda: (folder / "refused.jsonl").write_text(line + "\n"))
    assert (None, "refused.jsonl line 1 is malformed") in failed(house)["no_forged_row"]


def rewritten(folder: Path, change: Callable[[], object]) -> None:
    """A change of files that the manifest follows."""
    change()
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    files = tuple(entry(folder, file.path, file.rows) for file in manifest.files)
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(manifest, files=files)))


def spoil(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (spoil("refused.jsonl"), "refused.jsonl has another SHA-256"),
        (lambda folder: (folder / "data/part-00001.parquet").write_bytes(b""), "data/part-00001.parquet has another"),
        (lambda folder: (folder / "data/part-00001.parquet").unlink(), "data/part-00001.parquet is missing"),
        (lambda folder: (folder / "data/part-00009.parquet").write_bytes(b"x"), "data/part-00009.parquet is not in"),
        (lambda folder: (folder / "data/link").symlink_to("/"), "data/link is not in the manifest"),
    ],
)
def test_files_that_are_not_the_manifest_s_block(house: Desk, change: Callable[[Path], object], reason: str) -> None:
    """Changed, missing, added: each is named."""
    folder = write_candidate(house.root, DATASET, rows_per_part=2)
    change(folder)
    assert any(why.startswith(reason) for _, why in failed(house)["files"])


def test_a_part_behind_a_link_is_missing(house: Desk, tmp_path: Path) -> None:
    """What lies outside the folder can change after the check."""
    folder = write_candidate(house.root, DATASET)
    (folder / "data").rename(tmp_path / "data")
    (folder / "data").symlink_to(tmp_path / "data")
    assert (None, "data/part-00000.parquet is missing") in failed(house)["files"]


def test_row_counts_that_are_not_the_manifest_s_block(house: Desk) -> None:
    """In all and by reason."""
    write_candidate(house.root, DATASET, rows=rows_of(house.root, DATASET).slice(0, 3))
    folder = write_candidate(house.root, DATASET, "v2")
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(manifest, rows=5)))
    assert failed(house, f"{DATASET}@v2") == {"files": [(None, "manifest.json says 5 rows, the parts hold 4")]}


# --- what goes wrong blocks


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "it could not be looked at: RuntimeError"),
        (lambda _: {}, "no result"),
        (lambda looks: {n: Look("yes", 4, []) for n in looks}, "malformed result"),
        (lambda looks: {n: Look(True, 1, []) for n in looks}, "malformed result: 1 of 4 rows were looked at"),
        (lambda looks: {n: Look(True, 4, None) for n in looks}, "malformed result: no row numbers"),
        (lambda looks: {n: Look(True, 4, [2]) for n in looks}, "malformed result: it contradicts itself"),
        (lambda looks: {n: Look(False, 4, []) for n in looks}, "malformed result: it contradicts itself"),
    ],
)
def test_a_crash_or_a_strange_answer_blocks(
    house: Desk, monkeypatch: pytest.MonkeyPatch, answer: Any, reason: str
) -> None:
    """Whatever the tool does instead of answering, no row passes by it, and no content is shown."""
    write_candidate(house.root, DATASET)
    from gatekeeper.edges import expectations as edge

    real = edge.GreatExpectations.look

    def look(validator: edge.GreatExpectations, expectations: Any, frame: pa.Table) -> Any:
        if answer is None:
            raise RuntimeError("title: Secret Song")
        return answer(dict(real(validator, expectations, frame)))

    monkeypatch.setattr(edge.GreatExpectations, "look", look)
    found = failed(house)
    assert found["current_permit"] == [(None, reason)]


def test_an_expectation_of_the_workspace_is_held_too(house: Desk) -> None:
    """Great Expectations' own, over the parts' columns; the row is named and its value is not."""
    (house.root / "expectations").mkdir()
    house.write(
        f"expectations/{DATASET}.yaml",
        """
format: 1
expectations:
  - name: short_titles
    what: titles are short
    over: rows
    type: expect_column_value_lengths_to_be_between
    kwargs: {column: title, max_value: 4}
""",
    )
    write_candidate(house.root, DATASET)
    assert failed(house) == {"short_titles": [("c", "expect_column_value_lengths_to_be_between on title")]}


def test_an_expectation_on_a_column_that_is_not_there_blocks(house: Desk) -> None:
    """What cannot be looked at is not met."""
    (house.root / "expectations").mkdir()
    house.write(
        f"expectations/{DATASET}.yaml",
        "format: 1\nexpectations:\n- {name: n, what: w, over: rows, type: expect_column_values_to_not_be_null, "
        "kwargs: {column: nowhere}}\n",
    )
    write_candidate(house.root, DATASET)
    assert failed(house) == {"n": [(None, "Great Expectations could not look at it")]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format: 1\nadjust: {current_permit: {severity: warning}}\n", "'current_permit' cannot be adjusted"),
        ("format: 1\nadjust: {rows: {column: x}}\n", "unknown key 'column'"),
        ("format: 2\n", "format must be 1"),
        ("format: 1\nexpectations: [{name: files, what: w, over: rows, type: t}]\n", "stands twice"),
        ("format: 1\nscreening: {values: {e-mail address: x}}\n", "is shipped already"),
        (
            "format: 1\nexpectations: [{name: n, what: w, over: rows, type: expect_column_mean_to_be_between}]\n",
            "cannot be held against batches",
        ),
        ("format: 1\nexpectations: [{name: n, what: w, over: rows, type: expect_me}]\n", "there is no expect_me"),
        (
            """
format: 1
expectations:
- {name: n, what: w, over: rows, type: expect_column_values_to_be_null, kwargs: {column: title, mostly: 0.5}}
""",
            "would let rows pass unseen",
        ),
    ],
)
def test_a_suite_that_is_none_or_weakens_the_house_is_refused(house: Desk, text: str, says: str) -> None:
    """Exit 2, naming the file's mistake, and no result of an earlier check is left."""
    folder = write_candidate(house.root, DATASET)
    assert checked(house)["passed"] is True
    (house.root / "expectations").mkdir()
    house.write(f"expectations/{DATASET}.yaml", text)
    answer = house.run("check", BUILD)
    assert answer.code == 2
    assert says in answer.err
    assert not (folder / "quality").exists()


def test_an_outage_leaves_no_result(house: Desk) -> None:
    """A check that did not end has not passed, whatever an earlier one said."""
    folder = write_candidate(house.root, DATASET)
    assert checked(house)["passed"] is True
    (house.root / "lake/rights").rename(house.root / "lake/rights-kept")
    (house.root / "lake/rights").mkdir()
    (house.root / "log/rights.jsonl").write_bytes(b"")
    assert house.run("check", BUILD).code != 0
    assert not (folder / "quality/results.json").exists()


def test_rules_that_are_not_applied_are_refused(house: Desk) -> None:
    """Files that differ from what is active decide nothing."""
    write_candidate(house.root, DATASET)
    house.dataset("more", "service")
    answer = house.run("check", BUILD)
    assert answer.code == 2
    assert "gatekeeper apply" in answer.err


@pytest.mark.parametrize("name", ["nothing", "a@b@c", f"{DATASET}@v9"])
def test_a_build_that_is_not_there_is_wrong_use(house: Desk, name: str) -> None:
    assert house.run("check", name).code == 2


def test_an_edited_manifest_is_no_manifest(house: Desk) -> None:
    folder = write_candidate(house.root, DATASET)
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"rows": 4', b'"rows":  4'))
    assert house.run("check", BUILD).code == 2


def test_nothing_reaches_the_network(house: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No analytics, no look-up, and the page loads nothing."""
    folder = write_candidate(house.root, DATASET)
    tried: list[object] = []

    def refuse(*args: object, **_: object) -> None:
        tried.append(args)
        raise OSError("no network here")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert checked(house)["passed"] is True
    assert tried == []
    page = (folder / "quality/docs/index.html").read_text()
    assert "<script" not in page
    assert "<link" not in page
    assert "default-src 'none'" in page


def test_a_check_writes_only_beside_the_candidate(house: Desk) -> None:
    """Logs, lake and the candidate's own files are as they were."""
    folder = write_candidate(house.root, DATASET)
    before = contents(house.root)
    checked(house)
    after = contents(house.root)
    assert {name for name in after if before.get(name) != after[name]} == {
        str((folder / "quality" / name).relative_to(house.root)) for name in ("results.json", "docs/index.html")
    }


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
