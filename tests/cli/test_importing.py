"""gatekeeper content import, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Desk, names

MAPPING = """
source: urn:catalogue:test
time: "2025-06-01T00:00:00Z"
data: {asset_id: "{id}", account_id: "{account}", title: "{title}"}
"""


def catalogue(desk: Desk, text: str, name: str = "tracks.csv") -> tuple[Path, Path]:
    return desk.write(name, text), desk.write("mapping.yaml", MAPPING)


def test_a_mapping_with_an_unknown_column_appends_nothing(bare: Desk) -> None:
    """Exit code 2 and the column that was probably meant; the log stays as it was."""
    file, mapping = catalogue(bare, "id,acount,title\n1,a,One\n")
    answer = bare.run("content", "import", file, "--mapping", mapping)
    assert answer.code == 2
    assert "acount" in answer.err
    assert bare.log("content") == []


def test_columns_nobody_knows_ask_for_a_mapping(bare: Desk) -> None:
    """Without --mapping only a catalogue whose columns are known is read."""
    file, _ = catalogue(bare, "id,account,title\n1,a,One\n")
    answer = bare.run("content", "import", file)
    assert answer.code == 2
    assert "--mapping" in answer.err


def test_a_file_without_one_usable_row_is_not_a_success(bare: Desk) -> None:
    """Every row rejected: exit code 2, and each row is written aside."""
    file, mapping = catalogue(bare, "id,account,title\n1,,One\n2,,Two\n")
    answer = bare.run("--json", "content", "import", file, "--mapping", mapping)
    assert answer.code == 2
    assert answer.json["reasons"] == {"missing_field": 2}
    assert names([json.loads(line) for line in Path(answer.json["rejects"]).read_text().splitlines()], "row") == [1, 2]


def test_good_rows_are_appended_and_bad_ones_named(bare: Desk) -> None:
    """The answer counts both and says where the rejected rows are; people get the same in words."""
    file, mapping = catalogue(bare, "id,account,title\n1,a,One\n2,,Two\n3,a,Three\n")
    answer = bare.ok("--json", "content", "import", file, "--mapping", mapping)
    assert (answer.json["rows"], answer.json["appended"], answer.json["rejected"]) == (3, 2, 1)
    assert [event["data"]["asset_id"] for event in bare.log("content")] == ["1", "3"]
    answer = bare.ok("content", "import", file, "--mapping", mapping, "--rejects", bare.root / "aside.jsonl")
    assert "missing_field" in answer.out
    assert (bare.root / "aside.jsonl").exists()


def test_the_shipped_mapping_is_found_by_the_columns(bare: Desk) -> None:
    """A file with the columns of a known catalogue needs no --mapping; --limit takes its first rows."""
    header = "track_id\tartist_id\talbum_id\tpath\tduration\ttags\n"
    row = "t{0}\ta1\tb1\t{0}.mp3\t61.5\tgenre---jazz|instrument---piano\n"
    file = bare.write("list.tsv", header + "".join(row.format(i) for i in range(5)))
    bare.ok("content", "import", file, "--limit", 2)
    events = bare.log("content")
    assert [event["data"]["asset_id"] for event in events] == ["jamendo/t0", "jamendo/t1"]
    assert events[0]["data"]["duration_ms"] == 61_500
    assert (events[0]["data"]["genres"], events[0]["data"]["tags"]) == (["jazz"], ["piano"])
