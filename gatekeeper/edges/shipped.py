"""Files that come with the package, read from where it runs: a source checkout or an installed wheel.

In a checkout the schemas lie in ``schemas/`` beside the package; in a wheel in ``gatekeeper/schemas``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatekeeper.errors import Bug

_PACKAGE = Path(__file__).resolve().parents[1]


def schemas_folder() -> Path:
    """The folder of the shipped schemas. Raises ``Bug`` when the installation lacks it."""
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (folder / "common").is_dir():
            return folder
    raise Bug("the shipped schemas are missing", "install gatekeeper again")


def read_schemas() -> list[dict[str, Any]]:
    """Every shipped schema as its parsed document, for ``gatekeeper.core.contracts.contracts_of``."""
    return [json.loads(path.read_bytes()) for path in sorted(schemas_folder().glob("*/*.schema.json"))]
