"""``gatekeeper init``: a new workspace."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller


@click.command(short_help="Make a workspace with the shipped policy, terms and datasets.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--bare", is_flag=True, help="Policy and purposes only: empty logs, no terms, no dataset.")
@with_caller
def init(caller: Caller, directory: Path, bare: bool) -> None:
    """Make a workspace in DIRECTORY: policy, purposes, terms, three example datasets, empty logs.

    The shipped terms, the policy and the datasets are put on the rights log at once. Nothing that exists is changed.
    """
    from gatekeeper import wiring

    opened = wiring.new_workspace(directory, bare=bare, clock_us=caller.clock_us or wiring.system_clock_us)
    position = opened.rights(opened.policy()).position
    root = opened.workspace.root
    names = [d.name for d in opened.rules().declarations]
    caller.answer(
        {"workspace": str(root), "bare": bare, "datasets": names, "rights_position": position},
        lambda: _made(root, names, bare=bare),
    )


def _made(root: Path, names: list[str], *, bare: bool) -> Text:
    made = Text.assemble("Made the workspace ", (str(root), "name"), ".\n")
    if bare:
        made.append(
            "It holds the policy and its purposes. Next: declare datasets/<name>.yaml, then `gatekeeper apply`."
        )
    else:
        made.append(f"Terms, policy and {len(names)} datasets are on the rights log: {', '.join(names)}.\n")
        made.append(f"Next: gatekeeper --workspace {root} content append events.jsonl, then gate --drain.")
    return made
