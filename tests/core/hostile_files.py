"""Where the hostile inputs lie that nobody here wrote, and how a test says that they are absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "hostile"
needs_hostile_files = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no hostile files in {FOLDER}")


def json_files(prefix: str) -> dict[str, bytes]:
    """File name → bytes of the JSON parsing cases whose names begin with ``prefix`` (y_, n_ or i_)."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob(f"JSONTestSuite/**/{prefix}*.json"))}


def naughty_strings() -> list[str]:
    """Strings that have broken other people's software; none where the file is absent."""
    path = FOLDER / "blns.json"
    return json.loads(path.read_bytes()) if path.is_file() else []


def time_formats() -> list[tuple[str, str, bool]]:
    """(description, text, valid by RFC 3339) of the published date-time cases."""
    path = FOLDER / "json-schema-formats" / "date-time.json"
    groups = json.loads(path.read_bytes()) if path.is_file() else []
    cases = [case for group in groups for case in group["tests"]]
    return [(case["description"], case["data"], case["valid"]) for case in cases if isinstance(case["data"], str)]
