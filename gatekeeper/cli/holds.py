"""``gatekeeper holds``: the work list of people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.holds import Held


@click.command(short_help="The work list of people: what is held, why, and who could resolve it.")
@with_caller
def holds(caller: Caller) -> None:
    """Show what is held: the assets whose last decision for a dataset is hold, by reason and holder.

    A hold says "we cannot know". Each line names who could turn it into an answer; `gatekeeper explain` says how.
    """
    from gatekeeper import wiring

    groups = wiring.holds(opened(caller))
    machine = {"held": sum(group.assets for group in groups), "groups": [asdict(group) for group in groups]}
    caller.answer(machine, lambda: _shown(groups))


def _shown(groups: list[Held]) -> RenderableType:
    if not groups:
        return Text("Nothing is held.")
    rows = table("held", "reason", "holder", "datasets", "who could resolve it", "for example", numbers=("held",))
    for group in groups:
        datasets, examples = ", ".join(group.datasets), ", ".join(group.examples)
        rows.add_row(
            number(group.assets), Text(group.reason, style="hold"), group.holder or "-", datasets, group.who, examples
        )
    return rows
