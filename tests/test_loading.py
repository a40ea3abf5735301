"""``gatekeeper.load``, as ML teams use a release: the examples of the documentation, run."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pyarrow.compute as pc
import pytest
import yaml

import gatekeeper
from gatekeeper.errors import BadInput, Refused
from tests.cli.conftest import Desk, desk, lines, published
from tests.support.candidates import Candidate
from tests.support.s3 import S3Server
from tests.support.sounds import name_of, sha256, tone

__all__ = ["desk"]

SONGS = [f"song-{n}" for n in range(5)]


def released(desk: Desk, dataset: str = "music", **declared: object) -> Path:
    desk.dataset(dataset, "training.analytical", **declared)
    desk.ok("apply")
    tracks = [published(f"song-{n}", account=f"account-{n}", duration_ms=60_000 * n, genres=["x"]) for n in range(5)]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    Candidate(desk.root, dataset, "1", desk.now).check()
    desk.ok("publish", f"{dataset}@1")
    return desk.root / "releases"


@pytest.fixture
def root(desk: Desk) -> Path:
    """Where ``music@1`` is published."""
    return released(desk)


def recall(root: Path, text: str) -> None:
    folder = root / "music" / "1" / "recalls"
    folder.mkdir()
    (folder / "0001.json").write_text(text)


# --- what is not loaded


def test_a_recalled_release_is_refused(root: Path) -> None:
    """By default nobody trains on what was withdrawn; asked to, the loader leaves the recalled rows out."""
    recall(root, json.dumps({"asset_ids": ["song-3"], "reason": "consent.withdrawn", "rights_position": 9}))
    with pytest.raises(Refused, match="recalled"):
        gatekeeper.load("music@1", root=root)
    rows = gatekeeper.load("music@1", root=root, recalled="filter")
    assert rows.to_table()["asset_id"].to_pylist() == ["song-0", "song-1", "song-2", "song-4"]
    assert rows.count_rows() == 4
    assert rows.scanner(columns=["title"], filter=pc.field("duration_ms") > 60_000).to_table().num_rows == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"asset_ids": "song-3"}', '{"asset_ids": [3]}'])
def test_a_recall_nobody_can_read_recalls_everything(root: Path, text: str) -> None:
    """It may name any row: filtering cannot help."""
    recall(root, text)
    for how in ("refuse", "filter"):
        with pytest.raises(Refused, match="recalled"):
            gatekeeper.load("music@1", root=root, recalled=how)  # type: ignore[arg-type]


def test_a_changed_file_is_refused(root: Path) -> None:
    """Digests are compared before a row is seen."""
    part = root / "music" / "1" / "data" / "part-00000.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(Refused, match="part-00000"):
        gatekeeper.load("music@1", root=root)


def test_rows_beside_the_manifest_are_not_loaded(root: Path) -> None:
    """A file that somebody put into the folder is no part of the release."""
    data = root / "music" / "1" / "data"
    (data / "part-99999.parquet").write_bytes((data / "part-00000.parquet").read_bytes())
    assert gatekeeper.load("music@1", root=root).count_rows() == 5


def test_what_has_no_manifest_is_not_there(root: Path) -> None:
    """Nor is a candidate, nor a misspelt name; the error lists what is."""
    (root / "music" / "1" / "manifest.json").rename(root / "music" / "1" / "away.json")
    for name in ("music@1", "music@2", "other", "../music@1"):
        with pytest.raises(BadInput):
            gatekeeper.load(name, root=root)
    with pytest.raises(BadInput, match="recalled"):
        gatekeeper.load("music@1", root=root, recalled="ignore")  # type: ignore[arg-type]


# --- what is


def test_by_version_or_the_latest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder, the environment, or the workspace one stands in."""
    for name in ("music@1", "music@latest", "music"):
        assert gatekeeper.load(name, root=root).count_rows() == 5
    monkeypatch.chdir(root.parent)
    assert gatekeeper.load("music").count_rows() == 5
    monkeypatch.chdir(root)
    monkeypatch.setenv("GATEKEEPER_RELEASES", str(root))
    assert gatekeeper.load("music").count_rows() == 5


def test_from_s3(desk: Desk, s3: S3Server) -> None:
    """A bucket and boto3's options; no workspace."""
    place = f"s3://{s3.bucket()}/releases"
    desk.write("gatekeeper.yaml", json.dumps({"releases": {"uri": place, "options": s3.options}}))
    released(desk)
    rows = gatekeeper.load("music@1", root=place, options=s3.options)
    assert rows.to_table(columns=["asset_id"])["asset_id"].to_pylist() == SONGS


def test_pandas(root: Path) -> None:
    """A data frame of what one needs."""
    frame = gatekeeper.load("music@1", root=root).to_table(columns=["asset_id", "duration_ms"]).to_pandas()
    assert frame["asset_id"].tolist() == SONGS


def test_duckdb(root: Path) -> None:
    """SQL over the release, recalled rows left out."""
    import duckdb

    recall(root, json.dumps({"asset_ids": ["song-0"], "reason": "r", "rights_position": 1}))
    music = gatekeeper.load("music@1", root=root, recalled="filter")
    assert duckdb.sql("SELECT count(*), sum(duration_ms) FROM music").fetchall() == [(4, 600_000)]
    assert music.count_rows() == 4


def test_hugging_face_streams_it(desk: Desk) -> None:
    """As a training loop's data loader reads: batch by batch, and by the card's own configuration, every column."""
    datasets = pytest.importorskip("datasets")
    desk.dataset("music", "training.analytical")
    desk.ok("apply")
    tracks = [published(song, account=song, duration_ms=1000, attributes={"mood": "calm"}) for song in SONGS]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    for step in (("build", "music", "--version", "1"), ("check", "music@1"), ("publish", "music@1")):
        desk.ok(*step)
    root = desk.root / "releases"
    rows = gatekeeper.load("music@1", root=root)

    def examples():  # type: ignore[no-untyped-def]
        for batch in rows.to_batches(columns=["asset_id", "duration_ms"]):
            yield from batch.to_pylist()

    stream = datasets.IterableDataset.from_generator(examples)
    assert [example["asset_id"] for example in stream] == SONGS
    by_card = datasets.load_dataset(str(root / "music" / "1"), split="train", streaming=True)
    read = list(by_card)
    assert [example["asset_id"] for example in read] == SONGS
    assert read[0]["attributes"] == [{"key": "mood", "value": "calm"}]


def with_media(desk: Desk) -> Path:
    """``music@1`` with three recordings in it."""
    (desk.root / "raw").mkdir()
    for n in range(3):
        (desk.root / "raw" / f"{n}.wav").write_bytes(tone(n))
    desk.dataset("music", "training.analytical", media="copy")
    desk.ok("apply")
    hashes = [{"content_sha256": sha256(tone(n))} for n in range(3)]
    tracks = [published(f"song-{n}", media_uri=f"raw/{n}.wav", identifiers=hashes[n]) for n in range(3)]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    for step in (("build", "music", "--version", "1"), ("check", "music@1"), ("publish", "music@1")):
        desk.ok(*step)
    return desk.root / "releases"


def test_hugging_face_streams_audio(desk: Desk) -> None:
    """The card's configuration gives an ``Audio`` column; bytes come from the release, proven as they are read."""
    datasets = pytest.importorskip("datasets")
    root = with_media(desk)
    shutil.rmtree(desk.root / "raw")
    rows = datasets.load_dataset(str(root / "music" / "1"), split="train", streaming=True)
    assert isinstance(rows.features["audio"], datasets.Audio)
    read = gatekeeper.media("music@1", root=root)
    plain = rows.cast_column("audio", datasets.Audio(decode=False))
    stream = plain.map(lambda row: {"bytes": read(row["audio"]["path"])}).select_columns(["asset_id", "bytes"])
    heard = {row["asset_id"]: row["bytes"] for row in stream}
    assert heard == {f"song-{n}": tone(n) for n in range(3)}
    with wave.open(io.BytesIO(heard["song-0"])) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 800)


def test_media_that_are_not_what_their_name_says_are_not_read(desk: Desk) -> None:
    """Nor those of a recalled row, nor anything else of the folder."""
    root = with_media(desk)
    read = gatekeeper.media("music@1", root=root)
    (root / "music" / "1" / name_of(tone(0))).write_bytes(tone(5))
    (root / "music" / "1" / name_of(tone(1))).unlink()
    for n in range(2):
        with pytest.raises(Refused, match="not the object"):
            read(name_of(tone(n)))
    for path in ("manifest.json", "../../../gatekeeper.yaml", "media/ab/../../manifest.json"):
        with pytest.raises(BadInput):
            read(path)
    recall(root, json.dumps({"asset_ids": ["song-2"], "reason": "r", "rights_position": 1}))
    with pytest.raises(Refused, match="recalled"):
        gatekeeper.media("music@1", root=root)
    with pytest.raises(Refused, match="recalled row"):
        gatekeeper.media("music@1", root=root, recalled="filter")(name_of(tone(2)))


def test_the_card_is_a_dataset_card(root: Path) -> None:
    """Front matter that YAML reads, every picture it shows, the counts of the manifest."""
    card = (root / "music" / "1" / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}
    ]
    assert matter["size_categories"] == ["n<1K"]
    pictures = [line.split("](")[1].rstrip(")") for line in body.splitlines() if line.startswith("![")]
    assert {"plots/permitted.svg", "plots/genres.svg", "plots/durations.svg"} <= set(pictures)
    assert all((root / "music" / "1" / picture).is_file() for picture in pictures)
    assert "| terms.permit | 5 |" in body


def test_the_metadata_is_valid_croissant(root: Path) -> None:
    """mlcroissant reads it without an error, and the rows through it; the offer names the purpose."""
    croissant = pytest.importorskip("mlcroissant")
    metadata = croissant.Dataset(jsonld=str(root / "music" / "1" / "croissant.json"))
    assert not metadata.metadata.ctx.issues.errors
    assert [row["rows/asset_id"] for row in metadata.records("rows")] == [song.encode() for song in SONGS]
    offer = json.loads((root / "music" / "1" / "croissant.json").read_text())["usageInfo"]
    [permission] = offer["odrl:permission"]
    assert permission["odrl:constraint"][0]["odrl:rightOperand"] == "training.analytical"


def test_the_media_are_in_the_croissant(desk: Desk) -> None:
    """As a set of files, and the whole is still valid."""
    croissant = pytest.importorskip("mlcroissant")
    path = with_media(desk) / "music" / "1" / "croissant.json"
    assert not croissant.Dataset(jsonld=str(path)).metadata.ctx.issues.errors
    sets = [d for d in json.loads(path.read_text())["distribution"] if d["@type"] == "cr:FileSet"]
    assert [(d["@id"], d["includes"]) for d in sets] == [("parts", "data/*.parquet"), ("media", "media/*/*")]


def test_importing_gatekeeper_stays_light() -> None:
    """``load`` is found when it is used: the import alone brings neither pyarrow nor boto3."""
    told = "import sys, gatekeeper; print(sorted({'pyarrow', 'boto3', 'numpy'} & sys.modules.keys()), gatekeeper.load)"
    said = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    assert said.startswith("[] <function load")
