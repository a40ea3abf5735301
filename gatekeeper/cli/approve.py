"""``gatekeeper approve``: a person's yes or no to a candidate."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened


@click.command(short_help="A person's yes (or --reject) to a build.")
@click.argument("build")
@click.option("--by", required=True, metavar="WHO", help="Who gives the answer.")
@click.option("--because", required=True, metavar="TEXT", help="Why; it is kept in the release.")
@click.option("--reject", is_flag=True, help="The answer is no.")
@click.option("--manifest", metavar="DIGEST", help="The manifest that was looked at; another one is not answered for.")
@with_caller
def approve(caller: Caller, build: str, by: str, because: str, reject: bool, manifest: str | None) -> None:
    """Answer for BUILD (dataset@version). The answer is bound to its manifest: a build made again needs a new one.

    The last answer counts until the build is published. `gatekeeper review BUILD --json` names the manifest it shows.
    """
    from gatekeeper.wiring import releasing

    answer = releasing.approve(opened(caller), build, approved=not reject, by=by, because=because, seen=manifest)
    said = "rejected" if reject else "approved"
    text = Text(f"{build} is {said} by {answer.by}: {answer.because}\nmanifest {answer.manifest}")
    caller.answer({"build": build, **asdict(answer)}, text)
