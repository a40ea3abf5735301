"""``gatekeeper trace``: where a recording went and why; what a rightsholder's recordings are used for."""

from __future__ import annotations

from dataclasses import asdict

import click

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened


@click.command(short_help="Where a recording went and why; a rightsholder's recordings.")
@click.argument("asset", required=False)
@click.option("--release", metavar="RELEASE", help="Is it in this release? If not, the decision that kept it out.")
@click.option("--party", metavar="P", help="All recordings of a party.")
@click.option("--account", metavar="A", help="All recordings of an account.")
@with_caller
def trace(caller: Caller, asset: str | None, release: str | None, party: str | None, account: str | None) -> None:
    """Show the whole life of ASSET: events, decisions, tables, releases, recalls, and copies under other ids.

    ASSET is an asset id, or isrc:…, sha256:… for every asset with that identifier. With --party or --account: which of
    a rightsholder's recordings are in which datasets and releases, why, and what can be done about it.
    """
    from gatekeeper.cli import trace_shown as shown
    from gatekeeper.wiring import tracing

    if sum(one is not None for one in (asset, party, account)) != 1:
        raise click.UsageError("name one of ASSET, --party and --account")
    workspace = opened(caller)
    if asset is None:
        if release is not None:
            raise click.UsageError("--release goes with ASSET")
        found = tracing.trace_holder(workspace, f"party:{party}" if party is not None else f"account:{account}")
        caller.answer(asdict(found), lambda: shown.holder(found))
        return
    traced = tracing.trace(workspace, asset, release)
    machine = {
        "subject": traced.subject,
        "rights_position": traced.rights_position,
        "assets": [asdict(life) for life in traced.lives],
        "in_release": [
            asdict(one) | {"asset_id": life.asset_id, "member": one.member}
            for life, one in zip(traced.lives, traced.asked, strict=False)
        ],
    }
    caller.answer(machine, lambda: shown.lives(traced))
