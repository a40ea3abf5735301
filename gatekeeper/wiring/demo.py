"""The demo's two worlds put onto the logs of a new workspace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

from gatekeeper.edges.catalogue_files import CatalogueFile
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.stages.demo_catalogue import MadeUp, Survey, Surveying, make_up
from gatekeeper.stages.demo_world import World, read_world
from gatekeeper.stages.importing import Imported
from gatekeeper.wiring.importing import Source, rejects_of, run_import
from gatekeeper.wiring.workspace import OpenWorkspace


def tell_world(workspace: OpenWorkspace) -> World:
    """The shipped world, appended as it is: some of its lines are meant to be unreadable, so nothing is judged here."""
    with as_file(files("gatekeeper") / "shipped" / "demo" / "world.yaml") as path:
        world = read_world(read_yaml(Path(path)))
    with closing(workspace.writer("rights")) as rights:
        rights.append((None, line) for chapter in world.chapters for line in chapter.rights)
    with closing(workspace.writer("content")) as content:
        content.append((None, line) for chapter in world.chapters for line in chapter.content)
    return world


def tell_catalogue(
    workspace: OpenWorkspace, source: Source, on_block: Callable[[Imported, CatalogueFile], None]
) -> tuple[Imported, MadeUp]:
    """A real catalogue's tracks, and what is made up about its holders."""
    survey = Survey()
    imported = run_import(
        workspace,
        source,
        rejects_of(workspace, source.file),
        on_block=on_block,
        through=lambda writer: Surveying(writer, survey),
    )
    made_up = make_up(survey)
    with closing(workspace.writer("rights")) as rights:
        rights.append((None, line) for line in made_up.rights)
    return imported, made_up
