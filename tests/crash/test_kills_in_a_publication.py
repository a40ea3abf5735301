"""``kill -9`` at every step of a publication, in a folder and in S3, and two processes that publish one name."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, lines, published, tree
from tests.support.s3 import S3Server
from tests.support.sounds import sha256, tone

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("copy", "media", "media_object", "documents", "quality", "decide_again", "manifest", "latest")
SONGS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checked candidate ``music@1`` of six recordings, with their media, and ``music@2`` without a check."""
    desk = Desk(tmp_path_factory.mktemp("made") / "workspace")
    assert desk.run("init", desk.root, workspace=False).code == 0
    (desk.root / "raw").mkdir()
    for n in range(SONGS):
        (desk.root / "raw" / f"{n}.wav").write_bytes(tone(n))
    desk.dataset("music", "training.analytical", media="copy", rows_per_file_max=2)
    desk.ok("apply")
    hashes = [{"content_sha256": sha256(tone(n))} for n in range(SONGS)]
    songs = [published(f"song{n}", media_uri=f"raw/{n}.wav", identifiers=hashes[n]) for n in range(SONGS)]
    desk.ok("content", "append", "-", stdin=lines(*songs))
    desk.ok("gate", "--drain")
    desk.ok("build", "music", "--version", "1")
    desk.ok("check", "music@1")
    return desk.root


@dataclass
class Place:
    """A workspace and the files of its releases, wherever they are."""

    desk: Desk
    files: Callable[[], dict[str, bytes]]

    @property
    def visible(self) -> bool:
        return "music/1/manifest.json" in self.files()


def seen_in(releases: Path) -> dict[str, bytes]:
    """As a reader lists a folder: hidden files (a lock, what a kill left) are nobody's."""
    return {name: data for name, data in tree(releases).items() if not Path(name).name.startswith(".")}


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, made: Path, tmp_path: Path) -> Place:
    desk = Desk(Path(shutil.copytree(made, tmp_path / "workspace")))
    if request.param == "folder":
        releases = desk.root / "releases"
        return Place(desk, lambda: seen_in(releases))
    server: S3Server = request.getfixturevalue("s3")
    bucket, client = server.bucket(), server.client()
    desk.write("gatekeeper.yaml", json.dumps({"releases": {"uri": f"s3://{bucket}", "options": server.options}}))

    def files() -> dict[str, bytes]:
        found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {f["Key"]: client.get_object(Bucket=bucket, Key=f["Key"])["Body"].read() for f in found}

    return Place(desk, files)


def publishing(desk: Desk, at: str, passed: int = 0) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.support.publish_process",
        str(desk.root),
        "music@1",
        at,
        str(passed),
        desk.now,
    ]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def killed(desk: Desk, at: str, passed: int = 0) -> None:
    process = publishing(desk, at, passed)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said


@pytest.mark.crash
def test_a_publication_killed_at_every_step_is_completed_by_the_next(place: Place) -> None:
    """Before the manifest nothing is visible; each next try goes on from there; in the end, the very bytes of one that
    nobody killed.
    """
    untouched = Desk(Path(shutil.copytree(place.desk.root, place.desk.root.parent / "untouched")))
    untouched.write("gatekeeper.yaml", "")
    untouched.ok("publish", "music@1")
    for step in STEPS:
        killed(place.desk, step, passed=SONGS // 2 if step == "media_object" else 0)
        assert place.visible == (step == "latest")
    assert "music/latest.json" not in place.files()
    answer = place.desk.ok("publish", "music@1", "--json").json
    assert (answer["already"], answer["latest"]) == (True, True)
    assert place.files() == seen_in(untouched.root / "releases")
    assert place.desk.ok("verify", "--all", "--json").json["verified"] is True


@pytest.mark.crash
def test_what_a_killed_publication_copied_is_not_copied_again(place: Place) -> None:
    """Half of the raw media may be gone by then: what is there and right is taken as it is."""
    killed(place.desk, "documents")
    shutil.rmtree(place.desk.root / "raw")
    place.desk.ok("publish", "music@1")
    assert place.desk.ok("verify", "--all", "--json").json["verified"] is True


@pytest.mark.crash
def test_of_two_processes_with_one_build_one_publishes_and_both_are_done(place: Place) -> None:
    """The second gets to its manifest when one stands: it hears that it is the same build's, and nothing changes."""
    second = publishing(place.desk, "wait:manifest")
    assert second.stdout is not None
    assert second.stdout.readline() == "here\n", second.communicate()
    place.desk.ok("publish", "music@1")
    before = place.files()
    out, said = second.communicate("go on\n", timeout=60)
    assert (second.returncode, out) == (0, "already published\n"), said
    assert place.files() == before


@pytest.mark.crash
def test_of_two_builds_of_one_name_one_wins_and_the_other_is_refused(place: Place) -> None:
    """Two workspaces over one place for releases, both at their manifest: exit 1 with a clear word for the second."""
    other = Desk(Path(shutil.copytree(place.desk.root, place.desk.root.parent / "other")), now=place.desk.now)
    if not other.root.joinpath("gatekeeper.yaml").read_text().startswith("{"):
        for desk in (place.desk, other):
            desk.write("gatekeeper.yaml", json.dumps({"releases": str(place.desk.root / "releases")}))
    shutil.rmtree(other.root / "builds")
    other.ok("build", "music", "--version", "1", "--at", "2025-06-20T11:00:00Z")
    other.ok("check", "music@1")
    second = publishing(other, "wait:manifest")
    assert second.stdout is not None
    assert second.stdout.readline() in ("here\n", "")
    first = place.desk.run("publish", "music@1", "--json")
    _, said = second.communicate("go on\n", timeout=60)
    assert sorted((first.code, second.returncode)) == [0, 1], (first, said)
    told = said if second.returncode == 1 else first.json["error"]
    assert "another candidate" in told
    assert place.desk.ok("verify", "--all", "--json").json["verified"] is True
