"""``gatekeeper use``: which model was made with which release, so that a recall can name the models."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import table


@click.group(short_help="Which model was made with which release: declare, list.")
def use() -> None:
    """Declared uses of releases."""


@use.command(short_help="A model was made with a release.")
@click.option("--release", required=True, metavar="RELEASE", help="dataset@version, or a dataset for its latest.")
@click.option("--model", required=True, metavar="MODEL", help="The model, by the name people know it.")
@click.option("--by", "holder", default="", metavar="WHO", help="Who holds the copy. Default: the model's name.")
@click.option("--because", default="", metavar="TEXT", help="What for.")
@with_caller
def declare(caller: Caller, release: str, model: str, holder: str, because: str) -> None:
    """Record that MODEL was made with RELEASE. Kept next to the release, never changed; declared twice it stands once.

    Recalls of the release name the model, and its holder is asked to acknowledge them.
    """
    from gatekeeper.wiring import recalling

    made = recalling.declare_use(opened(caller), release, model, holder, because)
    caller.answer(asdict(made), Text(f"{made.model} uses {made.release}, held by {made.holder}, since {made.at}"))


@use.command("list", short_help="Declared uses, of one release or all.")
@click.argument("release", required=False)
@with_caller
def list_(caller: Caller, release: str | None) -> None:
    """List declared uses."""
    from gatekeeper.wiring import recalling

    found = recalling.list_uses(opened(caller), release)
    rows = table("release", "model", "held by", "because", "declared")
    for one in found:
        rows.add_row(one.release, one.model, one.holder, one.because, one.at)
    caller.answer({"uses": [asdict(one) for one in found]}, rows if found else Text("No use is declared."))
