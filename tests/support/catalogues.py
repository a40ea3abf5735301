"""The real catalogues that lie beside the repository. Where they are absent, their tests are skipped and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "catalog"
FREEMUSICC = FOLDER / "freemusicc_tracks.csv.gz"
JAMENDO = FOLDER / "mtg_jamendo_tracks.tsv.gz"


def needs(path: Path) -> None:
    """Skip the test, visibly, where the catalogue is not there."""
    if not path.exists():
        pytest.skip(f"the real catalogue {path.name} is not in {FOLDER}")
