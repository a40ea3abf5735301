"""``gatekeeper apply``: put the files' policy and declarations on the rights log."""

from __future__ import annotations

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.stages.apply import Change, Plan

_DONE = {"policy.activated": "activate", "dataset.declared": "declare", "dataset.retired": "retire"}
DIFFERENCE_CHARS_SHOWN = 240
_STYLE = {"+": "permit", "-": "deny", "~": "hold"}


@click.command(short_help="Put changed policy and declarations on the rights log.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@with_caller
def apply(caller: Caller, dry_run: bool) -> None:
    """Validate policy and declarations, show what changes, and put it on the rights log.

    Every document is kept in the lake under its digest first. Run it again at will: without changes it does nothing.
    """
    from gatekeeper import wiring

    workspace = opened(caller)
    plan = wiring.plan(workspace)
    caller.say(_shown(plan))
    events = [] if dry_run else wiring.apply(workspace, plan)
    machine = {
        "changes": [_machine(change) for change in plan.changes],
        "unreadable": list(plan.unreadable),
        "applied": bool(events),
        "dry_run": dry_run,
        "rights_position": plan.position + len(events),
    }
    caller.answer(machine, _ending(plan, dry_run=dry_run))


def _machine(change: Change) -> dict[str, object]:
    differences = [str(difference) for difference in change.differences]
    return {"type": change.type, "name": change.name, "digest": change.digest, "differences": differences}


def _shown(plan: Plan) -> RenderableType:
    lines = [line for change in plan.changes for line in _change(change)]
    if plan.unreadable:
        positions = ", ".join(map(str, plan.unreadable[:10])) + (", …" if len(plan.unreadable) > 10 else "")
        warning = f"The new policy cannot read {len(plan.unreadable)} rights events (positions {positions}):"
        lines.append(Text(f"{warning} whom they are about will be held.", style="shout"))
    return Group(*lines)


def _change(change: Change) -> list[Text]:
    new = " (new)" if change.before is None and change.after is not None else ""
    digest = change.digest.removeprefix("sha256:")[:12]
    heading = Text.assemble((f"{_DONE[change.type]} ", "name"), f"{change.name}{new}  ", (digest, "quiet"))
    texts = [str(difference) for difference in change.differences]
    return [heading, *(Text(f"  {_short(text)}", style=_STYLE[text[0]]) for text in texts)]


def _short(text: str) -> str:
    """A whole new table is named rather than written out; ``--json`` has all of it."""
    if len(text) <= DIFFERENCE_CHARS_SHOWN:
        return text
    return f"{text[:DIFFERENCE_CHARS_SHOWN]}… ({len(text):,} characters; --json shows them)"


def _ending(plan: Plan, *, dry_run: bool) -> str:
    if not plan.changes:
        return "Nothing to do: the rights log already says what the files say."
    count = f"{len(plan.changes)} event{'s' if len(plan.changes) > 1 else ''}"
    if dry_run:
        return f"Dry run: {count} would go on the rights log at position {plan.position}."
    return f"Put {count} on the rights log; it ends at {plan.position + len(plan.changes)}."
