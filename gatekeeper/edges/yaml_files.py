"""YAML files that people write: gatekeeper.yaml, the policy, the terms, dataset declarations.

Read as JSON would be: only ``true`` and ``false`` are booleans (so that the territory NO stays Norway), a time stays
the text it is written as, and a key that stands twice is refused, because one of the two would be lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from gatekeeper.errors import BadInput

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where the installation has it: a policy is read in a tenth of the time."""


class _Loader(_SafeLoader):
    """The safe loader with JSON's idea of what a plain scalar is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            problem = "is not text" if not isinstance(key, str) else "stands twice" if key in seen else None
            if problem:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} {problem}", key_node.start_mark)
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ("n", "~", "")),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$", re.ASCII), list(_first))


def read_yaml(path: Path) -> Any:
    """The file's document. Raises ``BadInput`` naming the file, the line and what is wrong."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist", "create it, or make a workspace with `gatekeeper init DIR`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "it must be a readable UTF-8 text file") from error
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path} line {mark.line + 1}" if mark else str(path)
        raise BadInput(f"{where}: {getattr(error, 'problem', None) or error}", "mend the YAML there") from error
