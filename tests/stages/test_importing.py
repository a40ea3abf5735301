"""content import: every row becomes one event or one rejected row, and the same row always the same event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper import wiring
from gatekeeper.edges.catalogue_mappings import shipped_mappings
from gatekeeper.errors import BadInput, Unavailable
from gatekeeper.ports import Appended, LogWriter
from gatekeeper.stages.importing import BLOCK_ROWS, Imported
from gatekeeper.wiring.importing import Source, rejects_of, run_import
from tests.support.catalogues import FREEMUSICC, JAMENDO, needs

NOW_US = 1_760_000_000_000_000
MAPPING = """
source: urn:test
time: "2025-06-01T00:00:00Z"
data: {asset_id: "t/{id}", account_id: "{account}", title: "{title}", duration_ms: {from: "{s}", unit: s}}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> wiring.OpenWorkspace:
    return wiring.new_workspace(tmp_path / "w", bare=True, clock_us=lambda: NOW_US)


def imported(
    workspace: wiring.OpenWorkspace, text: bytes, mapping: str = MAPPING, **how: int
) -> tuple[Imported, list[dict], list[dict]]:
    """Counts, the events on the log, the rejected rows."""
    folder = workspace.workspace.root.parent
    catalogue, written = folder / "tracks.csv", folder / "mapping.yaml"
    catalogue.write_bytes(text)
    written.write_text(mapping)
    aside = rejects_of(workspace, catalogue)
    done = run_import(workspace, Source(catalogue, written), aside, **how)
    return done, log_of(workspace), lines(aside)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def log_of(workspace: wiring.OpenWorkspace) -> list[dict]:
    return lines(workspace.workspace.log_file("content"))


def test_bad_rows_are_written_aside_with_number_and_reason_and_cost_nobody_else(
    workspace: wiring.OpenWorkspace,
) -> None:
    """A missing or repeated id, a control character, wrong cells, bad UTF-8, an impossible number: each by number."""
    rows = [
        b"1,acct,One,1",
        b",acct,No id,1",
        b"1,acct,Again,1",
        b"2,,No account,1",
        b"3,ac\x07ct,Bell,1",
        b"4,acct,Four",
        b"5,acct,caf\xe9,1",
        b"6,acct,Six,long",
        b"7,acct,Seven,-1",
        b"8,acct,Eight,8",
    ]
    done, events, rejected = imported(workspace, b"id,account,title,s\n" + b"\n".join(rows))
    assert [event["data"]["asset_id"] for event in events] == ["t/1", "t/8"]
    assert [(r["row"], r["reason"]) for r in rejected] == [
        (2, "missing_field"),
        (3, "repeated_asset_id"),
        (4, "missing_field"),
        (5, "control_characters"),
        (6, "unreadable_row"),
        (7, "bad_utf8"),
        (8, "unmappable"),
        (9, "bad_value"),
    ]
    assert all(r["detail"] and r["cells"] for r in rejected)
    assert (done.rows, done.appended, done.refused) == (10, 2, 8)


def test_a_damaged_file_ends_the_import_after_its_good_rows(workspace: wiring.OpenWorkspace, tmp_path: Path) -> None:
    """What was read before the damage is on the log, and the caller is told that the file is damaged."""
    import gzip

    packed = gzip.compress(b"id,account,title,s\n" + b"".join(b"%d,a,t%d,1\n" % (i, i**3) for i in range(20_000)))
    catalogue, mapping = tmp_path / "cut.csv.gz", tmp_path / "m.yaml"
    catalogue.write_bytes(packed[: len(packed) // 2])
    mapping.write_text(MAPPING)
    with pytest.raises(BadInput, match="damaged"):
        run_import(workspace, Source(catalogue, mapping), tmp_path / "rejects")
    ids = [event["data"]["asset_id"] for event in log_of(workspace)]
    assert ids == [f"t/{i}" for i in range(len(ids))]
    assert len(ids) > BLOCK_ROWS


def test_a_log_that_fails_ends_the_import(workspace: wiring.OpenWorkspace, tmp_path: Path) -> None:
    """The error of the log reaches the caller; no row is counted as appended that is not."""

    class Full:
        def append(self, _events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:
            raise Unavailable("no space left", "free some")

        def close(self) -> None: ...

    def full(_: LogWriter) -> LogWriter:
        return Full()

    catalogue, mapping = tmp_path / "t.csv", tmp_path / "m.yaml"
    catalogue.write_text("id,account,title,s\n1,a,One,1\n")
    mapping.write_text(MAPPING)
    told: list[Imported] = []
    with pytest.raises(Unavailable, match="no space"):
        run_import(
            workspace,
            Source(catalogue, mapping),
            tmp_path / "r",
            through=full,
            on_block=lambda done, _: told.append(done),
        )
    assert told == []


def test_the_same_row_gives_the_same_event(workspace: wiring.OpenWorkspace) -> None:
    """Importing again gives the same ids; a row that says something else gives another."""
    text = b"id,account,title,s\n1,acct,One,1\n2,acct,Two,2\n"
    _, first, _ = imported(workspace, text)
    _, again, _ = imported(workspace, text.replace(b"Two", b"2"))
    ids = [event["id"] for event in again]
    assert ids[:2] == [event["id"] for event in first]
    assert (ids[2] == ids[0], ids[3] == ids[1]) == (True, False)


def test_repeated_ids_can_be_numbered(workspace: wiring.OpenWorkspace) -> None:
    """`repeats: number` keeps every row, and never runs into an id that the file itself uses."""
    text = b"id,account,title,s\n1,a,One,1\n1,a,Uno,1\n1~2,a,Odd,1\n1,a,Eins,1\n"
    _, events, rejected = imported(workspace, text, MAPPING + "repeats: number\n")
    assert rejected == []
    assert [event["data"]["asset_id"] for event in events] == ["t/1", "t/1~2", "t/1~2~2", "t/1~3"]


def test_a_limit_takes_the_first_rows(workspace: wiring.OpenWorkspace) -> None:
    """`--limit 2` reads two rows, good or bad."""
    done, events, rejected = imported(workspace, b"id,account,title,s\n1,a,One,1\n,a,,1\n3,a,Three,1\n", rows_max=2)
    assert (done.rows, len(events), len(rejected)) == (2, 1, 1)


def test_an_earlier_runs_rejects_do_not_stay(workspace: wiring.OpenWorkspace) -> None:
    """A clean import leaves no reject file behind that could be taken for its own."""
    imported(workspace, b"id,account,title,s\n,a,One,1\n")
    _, _, rejected = imported(workspace, b"id,account,title,s\n1,a,One,1\n")
    assert rejected == []


def test_a_log_takes_what_was_imported(workspace: wiring.OpenWorkspace) -> None:
    """Every imported event passes the check that `content append` makes."""
    from gatekeeper.stages.append import content_judge

    imported(workspace, b"id,account,title,s\n1,a,One,1\n2,b,\xc3\x9cber,0.5\n")
    judge = content_judge(workspace.contracts.check_content, workspace.workspace.limits)
    assert judge(workspace.workspace.log_file("content").read_bytes().splitlines()).bad is None


@pytest.mark.catalog
@pytest.mark.parametrize(
    ("path", "name", "rows"),
    [(FREEMUSICC, "freemusicc", 21_502), (JAMENDO, "mtg_jamendo", 55_525)],
    ids=str,
)
def test_the_real_catalogues_import_whole(workspace: wiring.OpenWorkspace, path: Path, name: str, rows: int) -> None:
    """Every row of both real catalogues becomes an event of its own with the shipped mapping, found by its columns."""
    needs(path)
    source = Source(path)
    assert source.read_mapping() == shipped_mappings()[name]
    done = run_import(workspace, source, rejects_of(workspace, path))
    assert (done.rows, done.appended, done.refused) == (rows, rows, 0)
    events = log_of(workspace)
    assert len({event["data"]["asset_id"] for event in events}) == len({event["id"] for event in events}) == rows
    with closing(workspace.writer("content")) as writer:
        assert writer is not None
