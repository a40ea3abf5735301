"""``erase`` with the real lake."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gatekeeper.core.erasure import Erasure
from gatekeeper.core.layout import CATALOG, DEAD_LETTERS, Table
from gatekeeper.core.times import format_instant
from gatekeeper.stages.erase import Erased, RewrittenTable, Tables
from gatekeeper.stages.erase import erase as stage
from gatekeeper.wiring.workspace import OpenWorkspace


def erase(opened: OpenWorkspace, subject: str, because: str, *, dry_run: bool) -> Erased:
    """``subject`` is ``account:ID`` or ``asset:ID``."""
    erasure = Erasure(subject, because, format_instant(opened.clock_us()))
    tables = Tables(partial(_content, opened), partial(_letters, opened), partial(opened.kept().put, "erasure"))
    return stage(erasure, tables, dry_run=dry_run)


def _content(opened: OpenWorkspace) -> Iterator[RewrittenTable]:
    lake = opened.lake()
    if lake.exists(Table(CATALOG)):
        yield lake.open(CATALOG)
    for name in sorted(lake.datasets()):
        yield lake.dataset(name)


def _letters(opened: OpenWorkspace) -> Iterator[RewrittenTable]:
    lake = opened.lake()
    if lake.exists(Table(DEAD_LETTERS)):
        yield lake.open(DEAD_LETTERS)
