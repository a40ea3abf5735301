"""The same inputs given to datadiligence and to us: what it lets through, we refuse or hold (table in the README)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from datadiligence.rules import C2PAMetadataRule, TDMRepHeader, XRobotsTagHeader

from gatekeeper.core.asset import Asset
from gatekeeper.core.decision import decide
from gatekeeper.core.policy import read_policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.use import Use
from gatekeeper.evidence.finding import Fetch
from gatekeeper.wiring.evidence import read_files
from tests.core.comparing import shipped_policy
from tests.support.signed_media import signed_wav

README = Path(__file__).parents[2] / "gatekeeper" / "evidence" / "README.md"
ENTRIES = ("ai_generative_training", "ai_inference", "ai_training", "data_mining")


@dataclass(frozen=True)
class Case:
    """A file saved from the web; ``is_header`` where it is a response's header rather than media."""

    content: Callable[[], bytes]
    is_header: bool
    aipref: str | None = None


def _header(line: str, aipref: str | None = None) -> Case:
    return Case(f"HTTP/1.1 200 OK\n{line}\n".encode, is_header=True, aipref=aipref)


def _media(prefix: str, use: str, keep: Callable[[bytes], bytes] = bytes) -> Case:
    entries = {f"{prefix}.{name}": {"use": use} for name in ENTRIES}
    return Case(lambda: keep(signed_wav(f"{prefix}.training-mining", entries)), is_header=False)


def _tampered(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


CASES = {
    "`X-Robots-Tag: noai`": _header("X-Robots-Tag: noai"),
    "`tdm-reservation: 1`": _header("tdm-reservation: 1"),
    "C2PA, `c2pa.*: notAllowed`": _media("c2pa", "notAllowed"),
    "`X-Robots-Tag: NOAI`": _header("X-Robots-Tag: NOAI"),
    "`X-Robots-Tag: noml`": _header("X-Robots-Tag: noml"),
    "`X-Robots-Tag: otherbot: noai`": _header("X-Robots-Tag: otherbot: noai"),
    "`tdm-reservation: yes`": _header("tdm-reservation: yes"),
    "`Content-Usage: train-ai=n`": _header("Content-Usage: train-ai=n", "draft-ietf-aipref-vocab-07"),
    "`Content-Usage: train-ai=n`, no draft named": _header("Content-Usage: train-ai=n"),
    "`Content-Signal: ai-train=no`": _header("Content-Signal: ai-train=no"),
    "C2PA, `cawg.*: notAllowed`": _media("cawg", "notAllowed"),
    "C2PA, `c2pa.*: constrained`": _media("c2pa", "constrained"),
    "C2PA, `c2pa.*: notAllowed`, file cut short": _media("c2pa", "notAllowed", lambda content: content[:9_000]),
    "C2PA, `c2pa.*: allowed`, changed after signing": _media("c2pa", "allowed", _tampered),
}


def theirs(path: Path, case: Case) -> str:
    """``allowed`` only where every rule of theirs that reads such an input allows it."""
    if not case.is_header:
        allowed = C2PAMetadataRule().is_allowed(path=str(path))
    else:
        headers = dict(line.split(": ", 1) for line in path.read_text().splitlines()[1:])
        allowed = all(rule.is_allowed(headers=headers) for rule in (XRobotsTagHeader(), TDMRepHeader()))
    return "allowed" if allowed else "refused"


def ours(path: Path, case: Case) -> str:
    """The decision for generative training of a recording that its licence would permit."""
    found = read_files([path], Fetch(aipref_version=case.aipref))
    signals = [r.signal for r in found]
    reservations = tuple((s.vocabulary, s.vocabulary_version, s.statement) for s in signals)
    asset = Asset("a", "k", licence="CC0-1.0", reservations=reservations)
    decision = decide(asset, Use("training.generative"), RightsState(), read_policy(shipped_policy()), 0)
    return f"{decision.verdict}, `{decision.reason}`"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    folder = tmp_path_factory.mktemp("inputs")
    found = {}
    for name, case in CASES.items():
        path = folder / ("headers.txt" if case.is_header else "song.wav")
        path.write_bytes(case.content())
        found[name] = (theirs(path, case), ours(path, case))
    return found


def test_we_refuse_or_hold_every_one(outcomes: dict[str, tuple[str, str]]) -> None:
    """No input of the table is permitted; the other lets most of them through."""
    assert [name for name, (_, our) in outcomes.items() if not our.startswith(("deny", "hold"))] == []
    assert sum(their == "allowed" for their, _ in outcomes.values()) > len(outcomes) / 2
    assert sum(their == "refused" for their, _ in outcomes.values()) >= 3


def test_the_readme_shows_what_both_say(outcomes: dict[str, tuple[str, str]]) -> None:
    """The table is what came out here, with the version it came out of."""
    text = README.read_text()
    assert f"datadiligence {version('datadiligence')}" in text
    rows = re.findall(r"^\| (.+?) \| (allowed|refused) \| ((?:deny|hold|permit), .+?) \|$", text, re.MULTILINE)
    assert {name: (their, our) for name, their, our in rows} == outcomes
