"""Instants as people type them."""

from __future__ import annotations

import click

from gatekeeper.core.times import parse_instant


class Instant(click.ParamType[int]):
    """RFC 3339 with an offset → microseconds since 1970-01-01 UTC."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


INSTANT = Instant()
