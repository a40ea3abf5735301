"""``kill -9`` at every step of a build: a candidate is there whole or not at all, and the next build makes the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.edges.build_folders import MAKING
from tests.cli.conftest import Desk, event, lines, published, tree
from tests.support.build_process import AT

ROOT = Path(__file__).resolve().parents[2]
FOLD_STEPS = ("datasets/d.write", "datasets/d.commit", "datasets/d.committed")
BUILD_STEPS = ("build.rows", "build.refused", "build.manifest", "build.appear")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Decisions that nobody has folded yet, one of them withdrawn since."""
    desk = Desk(tmp_path_factory.mktemp("made") / "workspace")
    assert desk.run("init", desk.root, workspace=False).code == 0
    desk.dataset("d", "training.analytical", rows_per_file_max=3)
    desk.ok("apply")
    desk.ok("gate", "--drain")
    before = shutil.copytree(desk.root / "lake" / "datasets" / "d", desk.root.parent / "unfolded")
    desk.ok("content", "append", "-", stdin=lines(*(published(f"song{i}") for i in range(8))))
    desk.ok("gate", "--drain")
    shutil.rmtree(desk.root / "lake" / "datasets" / "d")
    shutil.move(before, desk.root / "lake" / "datasets" / "d")
    no = event("rights.consent.withdrawn", speaker="account:nina", subject="asset:song5", purposes=["training"])
    desk.ok("rights", "append", "-", stdin=lines(no))
    return desk.root


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Desk:
    return Desk(Path(shutil.copytree(made, tmp_path / "workspace")))


@pytest.fixture(scope="module")
def undisturbed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a build that nobody killed."""
    desk = Desk(Path(shutil.copytree(made, tmp_path_factory.mktemp("undisturbed") / "workspace")))
    desk.ok("build", "d", "--at", AT, "--version", "1")
    return tree(desk.root / "builds" / "d" / "1")


def killed(desk: Desk, step: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.build_process", str(desk.root), "d", "1", step],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.crash
@pytest.mark.parametrize("step", [*FOLD_STEPS, *BUILD_STEPS])
def test_nothing_is_seen_of_a_build_that_died(world: Desk, undisturbed: dict[str, bytes], step: str) -> None:
    """Killed before its last step it has no name; the next one has the very bytes, and clears up after it."""
    killed(world, step)
    assert not (world.root / "builds" / "d" / "1").exists()
    world.ok("build", "d", "--at", AT, "--version", "1")
    assert tree(world.root / "builds" / "d" / "1") == undisturbed
    assert list((world.root / "builds" / "d").glob(f"*{MAKING}")) == []


@pytest.mark.crash
def test_a_build_that_died_after_it_appeared_is_whole(world: Desk, undisturbed: dict[str, bytes]) -> None:
    """Killed after its last step, every file is there, and it is not built again."""
    killed(world, "build.appeared")
    assert tree(world.root / "builds" / "d" / "1") == undisturbed
    assert world.run("build", "d", "--version", "1").code == 2
