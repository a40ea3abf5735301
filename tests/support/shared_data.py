"""Real data that lives beside the project: a test that needs it is skipped, visibly, where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared(*names: str) -> Path:
    """A file or folder of the real data; skips the test without it."""
    path = FOLDER.joinpath(*names)
    if not path.exists():
        pytest.skip(f"needs the real data in ../shared/data/{'/'.join(names)}")
    return path
