"""A manifest: its bytes are a function of its content, and reading takes nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.core.manifest import (
    Manifest,
    manifest_bytes,
    manifest_digest,
    part_name,
    read_manifest,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "manifest"
EXAMPLES = sorted(SCHEMAS.glob("*.pass.json"))


def example(name: str) -> bytes:
    """An example as the program would write it."""
    document = json.loads((SCHEMAS / f"manifest.1.{name}.pass.json").read_bytes())
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b"  ", b" "),
        lambda data: data.replace(b'"rows": 1200', b'"rows":  1200'),
        lambda data: data.replace(b'"format": 1', b'"format": 2'),
        lambda data: data.replace(b'"tool"', b'"tools"'),
        lambda data: data.replace(b'"rights_position"', b'"position"'),
        lambda _: b"[]",
        lambda _: b"{",
        lambda _: b"\xff",
    ],
)
def test_other_bytes_are_no_manifest(damage: object) -> None:
    """Edited, cut off, of another format, or not JSON: a digest stands for one text."""
    with pytest.raises(ValueError):  # noqa: PT011 (json.JSONDecodeError and UnicodeDecodeError are ValueErrors)
        read_manifest(damage(example("candidate")))  # type: ignore[operator]


def test_a_mapping_in_another_order_is_refused() -> None:
    """Its keys are sorted."""
    document = json.loads(example("candidate"))
    turned = dict(reversed(document.items()))
    with pytest.raises(ValueError, match="edited"):
        read_manifest((json.dumps(turned, indent=2, ensure_ascii=False) + "\n").encode())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_reading_gives_back_what_was_written(path: Path) -> None:
    """For a candidate, a release, and a release that needed no approval."""
    data = example(path.name.removeprefix("manifest.1.").removesuffix(".pass.json"))
    manifest = read_manifest(data)
    assert isinstance(manifest, Manifest)
    assert manifest_bytes(manifest) == data
    assert manifest.name == "genre-tagging@20250620T120000Z"


def test_a_release_is_its_candidate_and_more() -> None:
    """Taking ``release`` away gives the candidate's bytes, which is what an approval is bound to."""
    release, candidate = read_manifest(example("release")), read_manifest(example("candidate"))
    assert release.release is not None
    assert manifest_digest(release) != manifest_digest(candidate)
    assert manifest_digest(release.candidate) == manifest_digest(candidate)


def test_parts_sort_by_name_as_by_number() -> None:
    assert sorted(map(part_name, range(12))) == list(map(part_name, range(12)))
