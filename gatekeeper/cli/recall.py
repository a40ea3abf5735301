"""``gatekeeper recall``: releases decided again; ``recall acknowledge`` and ``recall feed``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.recall.recalling import Outcome
    from gatekeeper.wiring.recalling import RecalledWorkspace

RUN = "run"


class WithDefault(click.Group):
    """A group whose own work needs no name: what is none of its commands goes to ``run``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=WithDefault,
    invoke_without_command=True,
    short_help="Which releases hold what is no longer permitted; recall files next to them.",
    options_metavar="[--dry-run] [--replace]",
    subcommand_metavar="[RELEASE]... | COMMAND",
)
def recall() -> None:
    r"""Decide every row of every release (or of these) again, now, and recall what is no longer permitted.

    \b
    --dry-run   show what would be recalled; write nothing
    --replace   build and check another release where the latest is recalled; publish it where nobody must be asked

    A recall is a file next to the release, which itself is never changed. Exit 0: done, also when recalls were written.
    Exit 1: a release could not be looked at, or a replacement did not pass its check.
    """


@recall.command(RUN, hidden=True)
@click.argument("releases", nargs=-1, metavar="[RELEASE]...")
@click.option("--dry-run", is_flag=True, help="Show what would be recalled; write nothing.")
@click.option("--replace", is_flag=True, help="Build, check and (where nobody must be asked) publish replacements.")
@with_caller
def run(caller: Caller, releases: tuple[str, ...], dry_run: bool, replace: bool) -> None:
    """Decide every row of every release (or of these) again, now, and recall what is no longer permitted."""
    from gatekeeper.wiring import recalling, replacing

    if dry_run and replace:
        raise click.UsageError("--dry-run writes nothing: leave out --replace")
    workspace = opened(caller)
    with _progress(caller) as tell:
        done = recalling.recall(workspace, releases, recalling.RecallOptions(dry_run=dry_run, tell=tell))
    made = replacing.replace_all(workspace, done.needed, caller.note) if replace else ()
    replaced = [asdict(one) for one in made]
    caller.answer(_machine(done) | {"replaced": replaced}, lambda: _shown(done))
    for one in made:
        caller.say(Text(f"{one.dataset}: {one.outcome}"))
    if unread := done.recalled.moment.unanswered:
        text = f"{unread} rights event(s) cannot be read: a no may be among them (gatekeeper status)"
        caller.note(Text(text, style="hold"))
    if wrong := [*done.recalled.problems.values(), *(one.outcome for one in made if one.failed)]:
        caller.note(Text(f"error: {len(wrong)} release(s) need a person: {wrong[0]}", style="what"))
        raise click.exceptions.Exit(1)


@recall.command(short_help="A holder of a copy has heard of a release's recalls.")
@click.argument("release")
@click.option("--holder", required=True, metavar="WHO", help="Who holds a copy, as in `gatekeeper use declare --by`.")
@click.option("--because", default="", metavar="TEXT", help="What was done, e.g. that the copy was deleted.")
@with_caller
def acknowledge(caller: Caller, release: str, holder: str, because: str) -> None:
    """Record that a holder of RELEASE has heard of every recall there is now. A later recall asks again."""
    from gatekeeper.wiring import recalling

    said = recalling.acknowledge(opened(caller), release, holder, because)
    text = Text(f"{said.holder} has acknowledged {len(said.recalls)} recall(s) of {said.release}, at {said.at}")
    caller.answer(asdict(said), text)


@recall.command(short_help="Make the feed of recalls anew.")
@with_caller
def feed(caller: Caller) -> None:
    """Write recalls.json at the releases' root (JSON Feed 1.1) anew from the recalls that stand."""
    from gatekeeper.wiring import recalling

    document = recalling.write_feed(opened(caller))
    items = document["items"]
    assert isinstance(items, list)
    caller.answer(document, Text(f"recalls.json names {len(items)} recall(s)"))


@contextmanager
def _progress(caller: Caller) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("deciding again"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=caller.err, transient=True, disable=not caller.err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _machine(done: RecalledWorkspace) -> dict[str, Any]:
    from gatekeeper.core.times import format_instant

    recalled = done.recalled
    return {
        "rights_position": recalled.moment.position,
        "instant": format_instant(recalled.moment.instant_us),
        "dry_run": recalled.dry,
        "releases": [_release(done, outcome) for outcome in recalled.outcomes if outcome.published],
        "builds": [
            {"build": o.manifest.name, "rows": o.manifest.rows, "refused": dict(sorted(o.new.items()))}
            for o in recalled.outcomes
            if not o.published
        ],
        "needs_replacement": [asdict(one) | {"commands": list(one.commands)} for one in done.needed],
        "problems": dict(recalled.problems),
    }


def _release(done: RecalledWorkspace, outcome: Outcome) -> dict[str, Any]:
    uses = done.models.get(outcome.manifest.name, ())
    return {
        "release": outcome.manifest.name,
        "dataset": outcome.manifest.dataset,
        "build": outcome.manifest.build,
        "rows": outcome.manifest.rows,
        "recalled_before": outcome.before,
        "recalled_now": sum(outcome.new.values()),
        "reasons": dict(sorted(outcome.new.items())),
        "copies": outcome.copies,
        "files": [recall.name for recall in outcome.files],
        "models": [{"model": use.model, "holder": use.holder} for use in uses],
    }


def _shown(done: RecalledWorkspace) -> RenderableType:
    from gatekeeper.core.recalls import in_one_line

    recalled, parts = done.recalled, list[RenderableType]()
    published = [outcome for outcome in recalled.outcomes if outcome.published]
    head = f"Decided again at rights position {recalled.moment.position}: {number(len(published))} release(s)."
    parts.append(Text(head + (" Nothing was written (--dry-run)." if recalled.dry else "")))
    if published:
        rows = table("release", "rows", "recalled before", "now", "why", "files", "models", numbers=("rows", "now"))
        for o in published:
            models = ", ".join(sorted({use.model for use in done.models.get(o.manifest.name, ())})) or "-"
            before = "all" if o.before is None else number(o.before)
            new = Text(number(sum(o.new.values())), style="deny" if o.new else "quiet")
            files = ", ".join(recall.name for recall in o.files) or "-"
            rows.add_row(
                o.manifest.name, number(o.manifest.rows), before, new, in_one_line(o.new) or "-", files, models
            )
        parts += [rows]
    builds = [o for o in recalled.outcomes if not o.published and o.new]
    for o in builds:
        parts.append(
            Text(f"build {o.manifest.name}: {in_one_line(o.new)}; it cannot be published any more", style="hold")
        )
    for one in done.needed:
        parts.append(Text(f"\n{one.dataset} needs a replacement: its latest release {one.latest} is recalled", "shout"))
        parts += [Text(f"  {command}", style="do") for command in one.commands]
    parts += [Text(f"{name}: {problem}", style="what") for name, problem in recalled.problems.items()]
    return Group(*parts)
