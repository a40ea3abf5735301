"""Catalogue files: every row has its number, what is no row is a value, and a file that ends badly says so."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekeeper.core.importing.cells import BadRow
from gatekeeper.edges.catalogue_files import open_catalogue
from gatekeeper.errors import BadInput


def rows_of(path: Path, **how: object) -> list[tuple[int, object]]:
    return list(open_catalogue(path, **how).rows())  # type: ignore[arg-type]


def test_rows_that_are_none_keep_their_number(tmp_path: Path) -> None:
    """Too few or too many cells and broken quotes are bad rows; the rows around them are read, numbered from 1."""
    path = tmp_path / "tracks.csv"
    path.write_text('id,title\n1,one\n2\n3,three,more\n4,"four"x\n\n5,"fi\nve"\n')
    rows = rows_of(path)
    assert [number for number, _ in rows] == [1, 2, 3, 4, 5]
    assert [isinstance(row, BadRow) for _, row in rows] == [False, True, True, True, False]
    assert rows[-1][1] == ["5", "fi\nve"]


def test_a_quote_that_never_ends_is_one_bad_row(tmp_path: Path) -> None:
    """The rest of the file is not taken for one cell."""
    path = tmp_path / "tracks.csv"
    path.write_text('id,title\n1,"never ends\n2,two\n')
    assert isinstance(rows_of(path)[-1][1], BadRow)


def test_bytes_that_are_not_utf8_stay_in_their_row(tmp_path: Path) -> None:
    """A Latin-1 cell does not end the file."""
    path = tmp_path / "tracks.csv"
    path.write_bytes(b"id,title\n1,caf\xe9\n2,two\n")
    assert [number for number, _ in rows_of(path)] == [1, 2]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_archive_gives_its_good_rows_and_then_an_error(tmp_path: Path, damage: str) -> None:
    """A file that is cut short or broken is never mistaken for a shorter one."""
    path = tmp_path / "tracks.csv.gz"
    packed = bytearray(gzip.compress(b"id,title\n" + b"".join(b"%d,title %d\n" % (i, i * i) for i in range(50_000))))
    if damage == "cut":
        packed = packed[: len(packed) // 2]
    else:
        packed[-6] ^= 0xFF
    path.write_bytes(packed)
    rows = open_catalogue(path).rows()
    assert next(rows) == (1, ["0", "title 0"])
    with pytest.raises(BadInput, match="damaged"):
        list(rows)


@pytest.mark.parametrize("name", ["tracks.csv", "tracks.csv.gz", "tracks.tsv", "tracks.parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """CSV, TSV and Parquet, packed or not: the same header and cells."""
    path = tmp_path / name
    text = "id\ttitle\n1\tone\n2\tçé\n".replace("\t", "\t" if "tsv" in name else ",")
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"id": ["1", "2"], "title": ["one", "çé"]}), path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    opened = open_catalogue(path)
    assert opened.header == ("id", "title")
    assert [(number, tuple(row)) for number, row in opened.rows()] == [(1, ("1", "one")), (2, ("2", "çé"))]  # type: ignore[arg-type]
    assert opened.done() == opened.total


def test_a_tab_separated_file_has_no_quotes_unless_said_so(tmp_path: Path) -> None:
    """A title that starts with a quotation mark is a title."""
    path = tmp_path / "tracks.tsv"
    path.write_text('id\ttitle\n1\t"Heroes\n')
    assert rows_of(path) == [(1, ["1", '"Heroes'])]


@pytest.mark.parametrize("name", ["tracks.xlsx", "tracks", "tracks.csv", "tracks.parquet"])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, name: str) -> None:
    """An unknown name, an empty file and a text called Parquet are named, not read."""
    path = tmp_path / name
    path.write_text("")
    with pytest.raises(BadInput):
        open_catalogue(path)
