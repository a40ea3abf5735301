"""``gatekeeper publish``: a candidate becomes an immutable release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.progress import steps_told

if TYPE_CHECKING:
    from gatekeeper.stages.publish import Publication


@click.command(short_help="A checked (and approved) build becomes a release.")
@click.argument("build")
@with_caller
def publish(caller: Caller, build: str) -> None:
    """Publish BUILD (dataset@version): every row is decided once more at the end of the rights log.

    Refused (exit 1) without a passed check of this very build, without an approval where one is required, and when any
    row is not permitted now. A release is never overwritten: publishing the same build again says so and changes
    nothing (exit 0, for a retry after a lost answer), another build under its name is refused. After a kill or an
    outage, publishing again completes it.
    """
    from gatekeeper.core.manifest import manifest_digest
    from gatekeeper.wiring import releasing

    with steps_told(caller, build) as told:
        done = releasing.publish(opened(caller), build, told=told)
    manifest, published = done.manifest, done.manifest.release
    assert published is not None
    machine = {
        "release": manifest.name,
        "rows": manifest.rows,
        "manifest": manifest_digest(manifest),
        "candidate": published.candidate,
        "built_at_position": manifest.basis.rights_position,
        "rights_position": published.rights_position,
        "published_at": published.instant,
        "latest": done.moved_latest,
        "already": done.already,
    }
    caller.answer(machine, _shown(done))


def _shown(done: Publication) -> Text:
    manifest, published = done.manifest, done.manifest.release
    assert published is not None
    text = f"published {manifest.name}: {manifest.rows:,} rows, decided at rights position {published.rights_position}"
    if done.already:
        text = f"{manifest.name} is already published, since {published.instant}: nothing was changed"
        text += "\nit is the latest now" if done.moved_latest else ""
    elif not done.moved_latest:
        text += "\na release built later stays the latest"
    return Text(f'{text}\nread it: gatekeeper.load("{manifest.name}")')
