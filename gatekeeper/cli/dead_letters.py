"""``gatekeeper dead-letters``: content records nobody could use."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.files import LINES, source_of
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table
from gatekeeper.errors import BadInput

if TYPE_CHECKING:
    from gatekeeper.stages.dead_letters import Place, Replayed

SHOWN_MAX = 20
TEXT_MAX = 200
EXIT_STILL_FAILING = 1
_REASON = click.option("--reason", "reasons", multiple=True, metavar="R", help="Only this reason; may be repeated.")


@click.group("dead-letters", short_help="Content records nobody could use: list them, replay them.")
def dead_letters() -> None:
    """Content records nobody could use, each with its original bytes and the reason."""


@dead_letters.command("list")
@_REASON
@click.option("--limit", type=click.IntRange(min=1), default=SHOWN_MAX, show_default=True, help="The newest so many.")
@with_caller
def list_(caller: Caller, reasons: tuple[str, ...], limit: int) -> None:
    """Show dead letters: where they lie, why they are dead, and what the producer has to mend."""
    from gatekeeper import wiring

    rows = wiring.dead_letters(opened(caller), reasons)
    newest = rows.slice(max(0, rows.num_rows - limit)).to_pylist()
    machine = {"total": rows.num_rows, "dead_letters": [_machine(row) for row in newest]}
    caller.answer(machine, lambda: _listed(newest, rows.num_rows))


@dead_letters.command("replay")
@click.argument("file", type=LINES, required=False)
@_REASON
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
@with_caller
def replay(caller: Caller, file: Path | None, reasons: tuple[str, ...], everything: bool) -> None:
    """Append dead letters that can be used by now to the content log again.

    Which: those that FILE names (the output of `dead-letters list --json`, or a `partition:offset` per line), those of
    a --reason, or --all. Nothing is edited: the stored bytes are held against today's contract and limits, and those
    that pass become fresh records at the log's end, keyed by their asset. A letter is left alone where its asset has a
    later event, because the log's last event of an asset is the one that counts. Exit 1: some still fail.
    """
    from gatekeeper import wiring

    if not (file or reasons or everything):
        raise click.UsageError("say which: FILE, --reason or --all")
    workspace = opened(caller)
    rows = wiring.dead_letters(workspace, reasons, _places(file) if file else None)
    done = wiring.replay(workspace, rows)
    caller.answer(_replayed_machine(done), lambda: _replayed(done))
    if done.failing:
        click.get_current_context().exit(EXIT_STILL_FAILING)


def _machine(row: dict[str, Any]) -> dict[str, Any]:
    """``value`` is for the eye; ``value_base64`` are the bytes."""
    value = row["value"]
    return {
        **{name: row[name] for name in ("topic", "partition", "offset", "reason", "detail")},
        "key": None if row["key"] is None else row["key"].decode("utf-8", "backslashreplace"),
        "value": None if value is None else value.decode("utf-8", "backslashreplace"),
        "value_base64": None if value is None else base64.b64encode(value).decode(),
        "recorded_at": row["recorded_at"].isoformat(),
    }


def _listed(newest: list[dict[str, Any]], total: int) -> RenderableType:
    if not total:
        return Text("No dead letters.")
    parts: list[RenderableType] = []
    for row in newest:
        place = f"{row['topic']} {row['partition']}:{row['offset']}"
        parts.append(Text.assemble((place, "name"), "  ", (row["reason"], "deny"), "  ", row["detail"]))
        parts.append(Text(f"  {_short(row['value'])}", style="quiet"))
    return Group(*parts, Text(f"{number(len(newest))} of {number(total)} dead letters"))


def _short(value: bytes | None) -> str:
    text = "(no value)" if value is None else value[:TEXT_MAX].decode("utf-8", "backslashreplace")
    return text + ("…" if value is not None and len(value) > TEXT_MAX else "")


def _places(file: Path) -> list[Place]:
    with source_of(file) as source:
        text = source.read().decode("utf-8", "replace")
    try:
        document = json.loads(text)
        return [(int(letter["partition"]), int(letter["offset"])) for letter in document["dead_letters"]]
    except (ValueError, KeyError, TypeError):
        return [_place(line, str(file), at) for at, line in enumerate(text.splitlines(), 1)]


def _place(line: str, file: str, at: int) -> Place:
    partition, _, offset = line.strip().partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        what = f"{file} line {at}: {line!r} names no dead letter"
        raise BadInput(
            what, "give the output of `gatekeeper dead-letters list --json`, or a `partition:offset` per line"
        )
    return int(partition), int(offset)


def _replayed_machine(done: Replayed) -> dict[str, Any]:
    def place(at: Place) -> str:
        return f"{at[0]}:{at[1]}"

    return {
        "appended": [place(at) for at in done.appended],
        "superseded": [{"at": place(at), "by": place(by)} for at, by in done.superseded],
        "failing": [{"at": place(at), "reason": reason, "detail": detail} for at, reason, detail in done.failing],
    }


def _replayed(done: Replayed) -> RenderableType:
    parts: list[RenderableType] = [Text(f"{number(len(done.appended))} appended to the content log again.")]
    if done.superseded:
        parts.append(Text(f"{number(len(done.superseded))} left alone: their asset has a later event."))
    if done.failing:
        rows = table("still failing", "reason", "what to mend")
        for (partition, offset), reason, detail in done.failing[:SHOWN_MAX]:
            rows.add_row(f"{partition}:{offset}", Text(reason, style="deny"), detail)
        parts += [rows, Text(f"{number(len(done.failing))} still fail.")]
    return Group(*parts)
