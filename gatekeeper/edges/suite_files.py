"""Suites of expectations as files: what ships, and what the workspace adds for a dataset."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.core.suites import Suite, extended, read_suite
from gatekeeper.edges.shipped import schemas_folder
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput

SHIPPED = "expectations/release.1.suite.yaml"
FOLDER = "expectations"


def suite_for(root: Path, dataset: str, shipped: Path | None = None) -> Suite:
    """The suite for a dataset of the workspace ``root``. Raises ``BadInput`` naming the file to mend."""
    path = shipped or schemas_folder() / SHIPPED
    suite = read_suite(read_yaml(path), path.name)
    own = root / FOLDER / f"{dataset}.yaml"
    if own.with_suffix(".yml").exists():
        raise BadInput(f"{own.with_suffix('.yml')} would be overlooked", f"name it {own.name}")
    return extended(suite, read_yaml(own), f"{FOLDER}/{own.name}") if own.exists() else suite
