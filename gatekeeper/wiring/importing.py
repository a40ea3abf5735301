"""Pairs `content import` with its files, its log and the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.importing.mapping import CatalogueMapping, compile_mapping
from gatekeeper.core.problems import Problem, Reason
from gatekeeper.edges.catalogue_files import CatalogueFile, open_catalogue
from gatekeeper.edges.catalogue_mappings import mapping_that_fits, read_mapping_file
from gatekeeper.edges.reject_file import RejectFile
from gatekeeper.ports import LogWriter
from gatekeeper.stages.append import parse_lines
from gatekeeper.stages.importing import Check, Imported, Refusal, import_catalogue
from gatekeeper.wiring.workspace import OpenWorkspace

REJECTED_FOLDER = "rejected"
"""In the workspace: rows of catalogues that could not become events, for people to mend."""


@dataclass(frozen=True)
class Source:
    """A catalogue file and how its rows are read. ``mapping`` None: the shipped one that fits."""

    file: Path
    mapping: Path | None = None

    def read_mapping(self) -> CatalogueMapping:
        return mapping_that_fits(self.file) if self.mapping is None else read_mapping_file(self.mapping)


def rejects_of(workspace: OpenWorkspace, file: Path) -> Path:
    return workspace.workspace.root / REJECTED_FOLDER / f"{file.name}.jsonl"


def run_import(
    workspace: OpenWorkspace,
    source: Source,
    rejects: Path,
    *,
    rows_max: int | None = None,
    on_block: Callable[[Imported, CatalogueFile], None] = lambda _done, _file: None,
    through: Callable[[LogWriter], LogWriter] = lambda writer: writer,
) -> Imported:
    """Import a catalogue onto the content log. ``through`` may put something between the stage and the log's writer."""
    mapping = source.read_mapping()
    file = open_catalogue(source.file, mapping.delimiter, mapping.quotes)
    try:
        mapper = compile_mapping(mapping, file.header)
        writer = workspace.writer("content")
        try:
            with RejectFile(rejects) as aside:
                return import_catalogue(
                    file.rows(),
                    mapper,
                    _contract_check(workspace),
                    through(writer),
                    lambda refusal: aside.write(_as_written(refusal, file.header)),
                    rows_max=rows_max,
                    on_block=lambda done: on_block(done, file),
                )
        finally:
            writer.close()
    finally:
        file.close()


def _contract_check(workspace: OpenWorkspace) -> Check:
    contract, limits = workspace.contracts.check_content, workspace.workspace.limits

    def check(events: Sequence[bytes]) -> list[Problem | None]:
        problems: list[Problem | None] = [None] * len(events)
        for dead in parse_lines(events, contract, limits).dead.to_pylist():
            problems[dead["offset"]] = Problem(Reason(dead["reason"]), dead["detail"])
        return problems

    return check


def _as_written(refusal: Refusal, header: Sequence[str]) -> dict[str, object]:
    cells: object = list(refusal.cells)
    if len(refusal.cells) == len(header):
        cells = dict(zip(header, refusal.cells, strict=True))
    return {"row": refusal.row, "reason": refusal.reason, "detail": refusal.detail, "cells": cells}
