"""The workspace's policy, terms and declarations, as people edit them, held against their contracts."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gatekeeper.core.contracts import Check, Contracts
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.selection import read_columns, read_selection
from gatekeeper.core.use import Declaration, read_declaration
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput

DECLARATION_KEYS = frozenset(
    {
        *("name", "owner", "description", "purpose", "territories", "model"),
        *("columns", "where", "schedule", "approval", "approve_within_h", "compression", "rows_per_file_max", "media"),
        *("on_recall", "withdrawal_deadline_h"),
    }
)
"""A key close to one of these is a misspelling and refused: ``territory`` would silently mean worldwide."""


def read_policy_file(path: Path, contracts: Contracts) -> Policy:
    """policy.yaml → Policy. Raises ``BadInput`` naming the entry to mend."""
    return read_policy(_checked(path, contracts.check_policy))


def read_declarations(folder: Path, policy: Policy, contracts: Contracts) -> tuple[Declaration, ...]:
    """Every ``<name>.yaml`` of the folder, by name. Raises ``BadInput`` for the first that is none."""
    if not folder.is_dir():
        raise BadInput(f"{folder} does not exist", "make the folder; it may be empty")
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")
    return tuple(_declaration(path, policy, contracts) for path in files)


def _declaration(path: Path, policy: Policy, contracts: Contracts) -> Declaration:
    if path.suffix != ".yaml":
        raise BadInput(f"{path} would be overlooked", f"name it {path.stem}.yaml, or move it away")
    document = _checked(path, contracts.check_dataset)
    for key in document.keys() - DECLARATION_KEYS:
        if meant := get_close_matches(key, DECLARATION_KEYS, 1, cutoff=0.8):
            raise BadInput(f"{path}: unknown key {key!r}", f"if {meant[0]!r} is meant, write that; otherwise rename it")
    declaration = read_declaration(document, policy.purposes)
    read_columns(document)
    read_selection(document)
    if declaration.name != path.stem:
        raise BadInput(
            f"{path} declares {declaration.name!r}", f"name the file {declaration.name}.yaml, or mend `name`"
        )
    return declaration


def _checked(path: Path, check: Check) -> Any:
    document = read_yaml(path)
    problem = check(document)
    if problem is not None:
        raise BadInput(f"{path}: {problem.detail}", "mend the file")
    return document


def read_terms(path: Path) -> list[dict[str, Any]]:
    """terms.yaml → the ``data`` of a ``rights.terms.published`` each, in the file's order. Raises ``BadInput``."""
    document = read_yaml(path)
    if not isinstance(document, list) or not all(isinstance(terms, dict) for terms in document):
        raise BadInput(f"{path} does not hold a list of terms", "compare it with the shipped terms.yaml")
    return document
