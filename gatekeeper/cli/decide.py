"""``gatekeeper decide``: content events in, decisions out."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.files import LINES, source_of
from gatekeeper.cli.instants import INSTANT
from gatekeeper.cli.open import opened

WRITE_LINES = 1_000
"""Decisions written at once."""


@click.command(short_help="Content events in, one JSON decision per line out; writes nothing.")
@click.argument("file", type=LINES)
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="Only this dataset; may be repeated.")
@click.option("--at", "at_us", type=INSTANT, help="The instant to decide at. Default: now.")
@click.option("--rights-at", type=click.IntRange(min=0), metavar="N", help="Rights events below N. Default: all.")
@click.option("--reference", is_flag=True, hidden=True, help="The reference implementation instead of the kernel.")
@with_caller
def decide(
    caller: Caller, file: Path, datasets: tuple[str, ...], at_us: int | None, rights_at: int | None, reference: bool
) -> None:
    """Decide the content events of FILE (JSON lines; - is standard input) for every declared dataset.

    The policy and the datasets are those of the workspace's files, applied or not. The events are one history in their
    order: a content.removed removes its asset for itself and for later events that are not newer. One JSON decision per
    line and dataset comes out; nothing is written.
    """
    from gatekeeper import wiring

    workspace = opened(caller)
    asked = wiring.Asked(datasets, at_us, rights_at, reference=reference)
    count = 0
    pending: list[bytes] = []
    with source_of(file) as source:
        decisions = wiring.decide(workspace, source, str(file), asked)
    for decision in decisions:
        pending.append(orjson.dumps(decision))
        count += 1
        if len(pending) == WRITE_LINES:
            _write(pending)
    _write(pending)
    if caller.json and not count:
        caller.line({"decisions": 0})


def _write(lines: list[bytes]) -> None:
    if lines:
        click.echo(b"\n".join(lines))
        lines.clear()
