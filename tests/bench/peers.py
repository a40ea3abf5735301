"""Other engines beside the gate, installed on request into ``var/peers``, never into the lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.broker_topics import CONTENT, Topics
from tests.bench.engines.stream_engine import WITHHELD_EVERY
from tests.bench.gate_oracle import Void
from tests.bench.gate_side import new_workspace, run_gate
from tests.bench.rows import Row, median, skipped
from tests.bench.stream import about

ENGINES = Path(__file__).parent / "engines"
TASK = "parse + dictionary look-up + filter, no sink, one worker"
_TARGETS = {"quixstreams": "> 1", "bytewax": "the mark to pass: > 1"}
_TIMEOUT_S = 900


class Missing(Exception):
    """A peer that cannot be had here; the text says why."""


def stream_peer_rows(topics: Topics, runs: int, folder: Path, say: Callable[[str], None]) -> Iterator[Row]:
    """The gate and the engine in turn, on the same topic; an engine is timed from its first record."""
    what = "gate: Kafka → decisions + 3 datasets committed"
    expected = sum(about(number)[0] % WITHHELD_EVERY != 0 for number in range(topics.events))
    for engine, target in _TARGETS.items():
        try:
            python = python_with(folder, [engine, "orjson", "confluent-kafka"])
        except Missing as why:
            yield skipped(what, f"{engine}: {TASK}", str(why))
            continue
        gate_s, engine_s = [], []
        for run in range(runs):
            root = topics.folder / f"{engine}-{run}"
            gate_s.append(run_gate(new_workspace(topics, root)))
            shutil.rmtree(root)
            arguments = [engine, topics.servers, CONTENT, str(topics.events)]
            told = json.loads(output([python, ENGINES / "stream_engine.py", *arguments]))
            if (told["seen"], told["passed"]) != (topics.events, expected):
                raise Void(f"{engine}: {told}, expected {topics.events} seen and {expected} passed")
            engine_s.append(told["seconds"])
            say(
                f"{engine}, run {run + 1}: {topics.events / engine_s[-1]:,.0f}/s, "
                f"gate {topics.events / gate_s[-1]:,.0f}/s"
            )
        yield Row(
            what=what,
            ours=f"{topics.events / median(gate_s):,.0f} events/s",
            against=f"{engine} {installed(python, engine)}: {TASK}",
            theirs=f"{topics.events / median(engine_s):,.0f} events/s",
            ratio=median([e / g for g, e in zip(gate_s, engine_s, strict=True)]),
            target=target,
            sizes=f"{topics.events:,} events of {topics.bytes_per_event} bytes, {runs} runs",
            detail={"gate_s": gate_s, "engine_s": engine_s},
        )


def python_with(folder: Path, packages: list[str]) -> Path:
    """A Python of the peers' own that has these packages. Raises ``Missing``."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    look = "import sys; from importlib.metadata import version; [version(name) for name in sys.argv[1:]]"
    known = subprocess.run([python, "-c", look, *packages], capture_output=True, check=False)
    if known.returncode:
        command = [python, "-m", "pip", "install", "-q", "--only-binary", ":all:", *packages]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            version = ".".join(map(str, sys.version_info[:2]))
            raise Missing(f"cannot be installed on Python {version}: {ran.stderr.strip().splitlines()[-1]}")
    return python


def installed(python: Path, package: str) -> str:
    told = output([python, "-c", f"from importlib.metadata import version; print(version({package!r}))"])
    return told.strip()


def opa(folder: Path) -> Path:
    """The ``opa`` program: the system's, else built into ``folder``. Raises ``Missing``."""
    if found := shutil.which("opa"):
        return Path(found)
    built = folder.absolute() / "bin" / "opa"
    if not built.exists():
        if shutil.which("go") is None:
            raise Missing("neither opa nor go is installed")
        command = ["go", "install", "github.com/open-policy-agent/opa@latest"]
        environment = os.environ | {"GOBIN": str(built.parent)}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Missing(f"go install failed: {ran.stderr.strip().splitlines()[-1]}")
    return built


def output(command: list[str | Path]) -> str:
    """What a program prints; its complaint where it fails."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if ran.returncode:
        raise RuntimeError(f"{command[0]} failed: {ran.stderr[-2000:]}")
    return ran.stdout
