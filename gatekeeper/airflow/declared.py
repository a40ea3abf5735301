"""Dataset declarations as a DAG file needs them: read at parse time, so light, and one bad file costs only its DAG."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gatekeeper.airflow.command import WORKSPACE

_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
CONFIG_FILE = "gatekeeper.yaml"
APPROVE_WITHIN_H = 72.0


@dataclass(frozen=True)
class Declared:
    """A dataset to schedule. ``problem`` says why its file cannot be used; then only ``name`` holds."""

    name: str
    owner: str = "gatekeeper"
    description: str = ""
    purpose: str = ""
    schedule: str | None = None
    needs_approval: bool = True
    approve_within_h: float = APPROVE_WITHIN_H
    problem: str | None = None


def workspace_of(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The workspace that GATEKEEPER_WORKSPACE names, None where it names none."""
    named = environment.get(WORKSPACE)
    return Path(named) if named else None


def declared_datasets(workspace: Path | None) -> Iterator[Declared]:
    """Every ``datasets/<name>.yaml``, by name. Whether it is valid is for ``gatekeeper apply`` to say."""
    folder = None if workspace is None else workspace / "datasets"
    for file in sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else ():
        if _NAME.fullmatch(file.stem):  # no DAG can have another name, and no dataset either
            yield _declared(file)


def reads_kafka(workspace: Path | None) -> bool:
    """Whether the workspace's logs are topics, so that their lag can be watched."""
    try:
        settings = yaml.safe_load((workspace / CONFIG_FILE).read_text("utf-8")) if workspace is not None else None
    except (OSError, yaml.YAMLError):
        return False
    return isinstance(settings, dict) and settings.get("log") == "kafka"


def _declared(file: Path) -> Declared:
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        return Declared(file.stem, problem=f"{file.name} cannot be read: {problem}")
    if not isinstance(document, dict) or document.get("name") != file.stem:
        return Declared(file.stem, problem=f"{file.name} must hold a declaration whose name is {file.stem}")
    return _of(document)


def _of(document: Mapping[str, Any]) -> Declared:
    return Declared(
        name=str(document["name"]),
        owner=str(document.get("owner") or "gatekeeper"),
        description=str(document.get("description") or ""),
        purpose=str(document.get("purpose") or ""),
        schedule=document.get("schedule") or None,
        # absent or misspelt: a person is asked
        needs_approval=document.get("approval") != "none",
        approve_within_h=_hours(document.get("approve_within_h")),
    )


def _hours(given: Any) -> float:
    """What is no number of hours is for ``gatekeeper apply`` to refuse; a run then waits as long as by default."""
    usable = isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < float("inf")
    return float(given) if usable else APPROVE_WITHIN_H
