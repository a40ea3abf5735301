"""Mapping files: the caller's own, or the shipped one whose columns the catalogue has."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from gatekeeper.core.importing.mapping import CatalogueMapping, compile_mapping, read_mapping
from gatekeeper.edges.catalogue_files import open_catalogue
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput


def read_mapping_file(path: Path) -> CatalogueMapping:
    """Raises ``BadInput`` naming the file and what to mend."""
    try:
        return read_mapping(read_yaml(path))
    except BadInput as problem:
        if str(path) in problem.what:
            raise
        raise BadInput(f"{path}: {problem.what}", problem.do) from problem


def shipped_mappings() -> dict[str, CatalogueMapping]:
    """By name: ``freemusicc``, ``mtg_jamendo``."""
    with as_file(files("gatekeeper") / "shipped" / "mappings") as folder:
        return {path.stem: read_mapping_file(path) for path in sorted(folder.glob("*.yaml"))}


def mapping_that_fits(catalogue: Path) -> CatalogueMapping:
    """The shipped mapping whose columns this file has. Raises ``BadInput`` where none fits."""
    known = shipped_mappings()
    for mapping in known.values():
        opened = open_catalogue(catalogue, mapping.delimiter, mapping.quotes)
        try:
            compile_mapping(mapping, opened.header)
        except BadInput:
            continue
        finally:
            opened.close()
        return mapping
    what = f"{catalogue.name} has not the columns of a catalogue we know ({', '.join(known)})"
    raise BadInput(what, "write a mapping (the shipped ones are examples) and name it with --mapping")
