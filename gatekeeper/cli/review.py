"""``gatekeeper review``: what somebody who approves a candidate should have read."""

from __future__ import annotations

import click
from rich.markdown import Markdown

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened


@click.command(short_help="A candidate on one page, for the person who approves it.")
@click.argument("build", metavar="BUILD")
@with_caller
def review(caller: Caller, build: str) -> None:
    """Show the candidate BUILD (dataset@version): what it is for, what the check found, what was left out and why, and
    how it differs from the latest release. With --json also what is on record of all that came in: refused and held by
    reason, layer and rightsholder.
    """
    from gatekeeper.core.manifest import manifest_digest
    from gatekeeper.wiring.reviewing import review as reviewed

    found = reviewed(opened(caller), build)
    manifest, page = found.manifest, found.markdown
    answer = {"build": build, "manifest": manifest_digest(manifest), "rows": manifest.rows, "markdown": page}
    caller.answer(answer | {"facts": found.facts}, lambda: Markdown(page))
