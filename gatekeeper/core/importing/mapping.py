"""A mapping file as a value, and compiled against a header (design §7, `content import`).

Rules of this file: a mapping is compiled once, then applied per row; a name that the mapping or the header does not
know is refused before the first row. Whether the data that comes out is a valid event is the contract's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.importing.cells import Block, Cells, Row, compile_object, compile_template
from gatekeeper.core.importing.problems import bad_mapping, refuse_unknown
from gatekeeper.errors import BadInput

REPEATS = ("refuse", "number")
SETTINGS = ("source", "type", "time", "repeats", "delimiter", "quotes", "misread", "data")
MISREAD = ("windows-1252",)
_TO_BYTE = {ord(bytes([b]).decode("cp1252")): b for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
"""What stands for the bytes 0x80 to 0x9F in windows-1252; the five it does not use stay themselves, as in browsers."""


@dataclass(frozen=True)
class CatalogueMapping:
    """``time`` is the events' time, a template as the values of ``data`` are.

    ``repeats`` says what becomes of a row whose asset id an earlier row of the file has: refused, or numbered
    (``ID~2``). ``delimiter`` and ``quotes`` describe a text file where its name does not (``.csv``, ``.tsv``);
    ``misread`` names the encoding in which somebody once read its UTF-8 (``KÃ¶ln``), to put that right.
    """

    source: str
    time: str
    data: Mapping[str, Any]
    type: str = "content.published"
    repeats: str = "refuse"
    delimiter: str | None = None
    quotes: bool | None = None
    misread: str | None = None


@dataclass(frozen=True)
class RowMapper:
    """A mapping compiled against one header."""

    mapping: CatalogueMapping
    data: Cells
    time: Cells

    def block(self, rows: Sequence[Row]) -> Block:
        """Rows of the header's width as a block; at least one."""
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True))
        if self.mapping.misread is not None:
            columns = [_put_right(column) for column in columns]
        return Block(columns, len(rows))


def read_mapping(document: Any) -> CatalogueMapping:
    """A parsed mapping document → CatalogueMapping. Raises ``BadInput`` naming the setting to mend."""
    if not isinstance(document, dict):
        raise bad_mapping("it must hold settings, one `name: value` per line")
    refuse_unknown("setting", document, SETTINGS)
    for name in ("source", "time", "data"):
        if name not in document:
            raise bad_mapping(f"`{name}` is missing")
    for name in ("source", "type", "time", "delimiter"):
        if not isinstance(document.get(name, ""), str):
            raise bad_mapping(f"`{name}` must be text")
    if not isinstance(document["data"], dict) or not {"asset_id", "account_id"} <= document["data"].keys():
        raise bad_mapping("`data` must map at least asset_id and account_id")
    if document.get("repeats", "refuse") not in REPEATS:
        raise bad_mapping(f"`repeats` must be one of {', '.join(REPEATS)}")
    if document.get("misread", MISREAD[0]) not in MISREAD:
        raise bad_mapping(f"`misread` must be {', '.join(MISREAD)}")
    return CatalogueMapping(**document)


def compile_mapping(mapping: CatalogueMapping, header: Sequence[str]) -> RowMapper:
    """The mapping for rows under this header. Raises ``BadInput`` for a column the header does not have."""
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise BadInput(f"the column {repeated[0]!r} stands twice in the header", "rename one of them")
    index = {name: i for i, name in enumerate(header)}
    return RowMapper(mapping, compile_object(mapping.data, index), compile_template(mapping.time, index))


def _put_right(column: Sequence[Any]) -> Sequence[Any]:
    """``KÃ¶ln`` → ``Köln``. What is no UTF-8 read as windows-1252 (or as Latin-1) stays as it is."""
    return [cell if not isinstance(cell, str) or cell.isascii() else _as_meant(cell) for cell in column]


def _as_meant(text: str) -> str:
    try:
        return text.translate(_TO_BYTE).encode("latin-1").decode()
    except UnicodeError:
        return text
