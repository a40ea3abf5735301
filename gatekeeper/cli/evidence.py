"""``gatekeeper evidence read``: the signals in files, as reservations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.instants import INSTANT
from gatekeeper.cli.theme import table, verdict

if TYPE_CHECKING:
    from gatekeeper.wiring.evidence import Read

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
_VERDICT = {"prohibit": "deny", "unclear": "hold"}


@click.group(short_help="Read the signals in files: robots.txt, headers, manifests, media.")
def evidence() -> None:
    """Signals as the world writes them."""


@evidence.command("read")
@FILES
@click.option("--url", help="The content's URL: which rules of a robots.txt or tdmrep.json are for it.")
@click.option("--agent", help="The crawler's product token for a robots.txt. Default: *.")
@click.option("--aipref", "aipref_version", metavar="DRAFT", help="The draft that Content-Usage was written against.")
@click.option("--robots-fetched-at", type=INSTANT, help="When the robots.txt was fetched.")
@click.option("--content-fetched-at", type=INSTANT, help="When the content was fetched.")
@click.option("--declare", "subject", metavar="SUBJECT", help="Write rights events on this subject (asset:…, isrc:…).")
@click.option("--at", "at_us", type=INSTANT, help="The time of those events. Default: now.")
@with_caller
def read(
    caller: Caller,
    files: tuple[Path, ...],
    url: str | None,
    agent: str | None,
    aipref_version: str | None,
    robots_fetched_at: int | None,
    content_fetched_at: int | None,
    subject: str | None,
    at_us: int | None,
) -> None:
    """Find the signals in FILES and show what the readers make of them; nothing is decided and nothing written.

    FILES are a robots.txt, saved response headers, a tdmrep.json, a manifest store, an RSL document, a page, XMP, or
    audio and image files with a C2PA manifest. With --declare each signal comes out as one rights event per line:

      gatekeeper evidence read song.wav --declare asset:song | gatekeeper rights append -
    """
    from gatekeeper.core.times import format_instant
    from gatekeeper.evidence.finding import Fetch
    from gatekeeper.wiring.evidence import declarations, read_files

    robots, content = (None if us is None else format_instant(us) for us in (robots_fetched_at, content_fetched_at))
    found = read_files(files, Fetch(url, agent, robots, content, aipref_version))
    if subject is not None:
        for event in declarations(found, subject, at_us):
            click.echo(orjson.dumps(event))
        return
    caller.answer({"signals": [_document(r) for r in found]}, lambda: _shown(found))


def _document(r: Read) -> dict[str, object]:
    readings = [{"says": str(x.says), "term": x.term, "reason": x.reason} for x in r.readings]
    return {"file": str(r.file), **r.reservation, "readings": readings}


def _shown(found: list[Read]) -> RenderableType:
    if not found:
        return Text("No signal in these files. Absence says nothing: it permits nothing either.")
    rows = table("file", "vocabulary", "", "term", "reason")
    for r in found:
        for x in r.readings:
            rows.add_row(r.file.name, r.signal.vocabulary, verdict(_VERDICT[str(x.says)]), x.term, x.reason)
        if not r.readings:
            rows.add_row(r.file.name, r.signal.vocabulary, Text("says no to nothing", style="quiet"), "", "")
    return Group(rows)
