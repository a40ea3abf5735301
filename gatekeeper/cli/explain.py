"""``gatekeeper explain``: one decision with everything that was considered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.files import LINES, source_of
from gatekeeper.cli.instants import INSTANT
from gatekeeper.cli.open import opened

if TYPE_CHECKING:
    import pyarrow as pa

    from gatekeeper.wiring import OpenWorkspace


@click.command(short_help="Why one asset is in a dataset or not, and what would change it.")
@click.argument("asset")
@click.option("--dataset", required=True, metavar="NAME")
@click.option("--at", "at_us", type=INSTANT, help="The instant to decide at. Default: now.")
@click.option("--rights-at", type=click.IntRange(min=0), metavar="N", help="Rights events below N. Default: all.")
@click.option("--event", "file", type=LINES, help="Content events to decide on instead of the catalogue's.")
@click.option("--evidence", metavar="TEXT", help="A recorded decision, by its evidence: decide it again as it was.")
@with_caller
def explain(
    caller: Caller,
    asset: str,
    dataset: str,
    at_us: int | None,
    rights_at: int | None,
    file: Path | None,
    evidence: str | None,
) -> None:
    """Show every statement considered on ASSET, what decided, why the others did not speak, and what would change it.

    By default the asset's latest event in the catalogue is decided now, and compared with the last decision on record.
    With --evidence (rights:41@57#3fa9c1d2e4b5) a recorded decision is decided again on what stood then.
    """
    from gatekeeper import wiring
    from gatekeeper.cli.explain_shown import shown
    from gatekeeper.stages.explain import as_document, differs

    if evidence and (at_us is not None or rights_at is not None or file):
        raise click.UsageError("--evidence says itself when and on what: leave out --at, --rights-at and --event")
    workspace = opened(caller)
    if evidence:
        explained = wiring.explain_recorded(workspace, dataset, asset, evidence)
    else:
        asked = wiring.Asked(at_us=at_us, rights_at=rights_at)
        explained = wiring.explain_now(workspace, dataset, asset, asked, _history(workspace, file))
    told, recorded = explained.told, explained.recorded
    machine = as_document(told) | {
        "recorded": recorded,
        "recorded_differs": recorded is not None and differs(told, recorded),
    }
    caller.answer(machine, lambda: shown(told, recorded))


def _history(workspace: OpenWorkspace, file: Path | None) -> pa.Table | None:
    from gatekeeper import wiring

    if file is None:
        return None
    with source_of(file) as source:
        return wiring.history_of(workspace, source, str(file))
