"""JSONL logs: what a crash leaves, what an exchange of files does, and finding lines without reading everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.edges.jsonl import JsonlContentReader, JsonlRightsReader
from gatekeeper.edges.jsonl_lines import Cursor, LineFile
from gatekeeper.edges.jsonl_writer import JsonlLogWriter
from gatekeeper.errors import BadInput, UnsafeLog
from tests.edges.test_logs_contract import offsets_of, values_of
from tests.support.broker import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "content.jsonl"
    made.touch()
    return made


def append(path: Path, *values: bytes) -> None:
    writer = JsonlLogWriter(path)
    writer.append((None, value) for value in values)
    writer.close()


def reader_at(path: Path, position: int, **options: int) -> JsonlContentReader:
    reader = JsonlContentReader(path, **options)
    reader.assign({0: position})
    return reader


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Opening a log to read does not make an empty one in a wrong place."""
    with pytest.raises(BadInput, match="no log"):
        JsonlContentReader(tmp_path / "none.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_an_event_with_a_newline_is_refused(path: Path) -> None:
    """It would be two lines, and every offset after it would be another one. The good ones before it stay."""
    with pytest.raises(BadInput, match="newline"):
        append(path, b'{"a": 1}', b'{"a":\n 1}', b'{"a": 2}')
    assert path.read_bytes() == b'{"a": 1}\n'


def test_a_file_that_shrank_is_refused(path: Path) -> None:
    """What was read is gone: the tables know of events that the log does not."""
    append(path, b"one", b"two")
    reader, rights = reader_at(path, 0), JsonlRightsReader(path)
    reader.poll(0)
    rights.end()
    os.truncate(path, 4)
    with pytest.raises(UnsafeLog, match="shrank to"):
        reader.poll(0)
    with pytest.raises(UnsafeLog, match="shrank to"):
        rights.end()


def test_a_file_rewritten_in_place_is_refused(path: Path) -> None:
    """As long as before or longer, but no line ends where one ended."""
    append(path, b"one", b"two")
    reader = reader_at(path, 0)
    reader.poll(0)
    path.write_bytes(b"one\na very different line\n")
    with pytest.raises(UnsafeLog, match="no line ends at byte"):
        reader.poll(0)


def test_another_file_in_the_logs_place_is_refused(path: Path, tmp_path: Path) -> None:
    """By a reader that had it open, and by one that is opened afterwards."""
    append(path, b"one", b"two")
    reader = reader_at(path, 0)
    reader.poll(0)
    other = tmp_path / "other.jsonl"
    append(other, b"uno", b"dos", b"tres")
    other.replace(path)
    with pytest.raises(UnsafeLog, match="replaced"):
        reader.poll(0)
    with pytest.raises(UnsafeLog, match="first line"):
        JsonlContentReader(path)


def test_a_log_that_was_emptied_is_refused(path: Path) -> None:
    """An empty file where there was a log is not a new log."""
    append(path, b"one")
    reader_at(path, 0)
    path.write_bytes(b"")
    with pytest.raises(UnsafeLog, match="first line"):
        JsonlContentReader(path)


def test_a_workspace_that_was_moved_keeps_its_identity(path: Path, tmp_path: Path) -> None:
    """A copy of log and id file is the same log: positions in copied tables stay true."""
    append(path, b"one")
    identity = reader_at(path, 0).identity()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in (path.name, path.name + ".id"):
        shutil.copy(path.parent / name, elsewhere / name)
    assert reader_at(elsewhere / path.name, 0).identity() == identity


def test_the_identity_of_an_empty_log_stays_when_lines_come(path: Path) -> None:
    """The id is given at first use, before there is a line to bind it to."""
    reader = reader_at(path, 0)
    before = reader.identity()
    append(path, b"one")
    assert values_of(reader.poll(0)) == [b"one"]
    assert reader.identity() == reader_at(path, 0).identity() == before


def test_a_line_exists_only_with_its_newline(path: Path) -> None:
    """A torn tail is not there, for any reader, until its newline is."""
    append(path, b"whole")
    with path.open("ab") as file:
        file.write(b'{"torn": ')
        file.flush()
        reader, rights = reader_at(path, 0), JsonlRightsReader(path)
        assert values_of(reader.poll(0)) == [b"whole"]
        assert reader.end_offsets() == {0: 1}
        assert rights.end() == 1
        file.write(b"true}\n")
    assert values_of(reader.poll(0)) == [b'{"torn": true}']
    assert reader.end_offsets() == {0: 2}
    assert rights.end() == 2


def test_an_append_repairs_a_torn_tail_and_keeps_it_aside(path: Path) -> None:
    """The torn bytes never become part of the next event."""
    append(path, b"whole")
    with path.open("ab") as file:
        file.write(b'{"torn": ')
    reader = reader_at(path, 0)
    reader.poll(0)
    append(path, b"next")
    assert path.read_bytes() == b"whole\nnext\n"
    assert path.with_name("content.jsonl.torn").read_bytes() == b'{"torn": \n'
    assert offsets_of(reader.poll(0)) == [1]


def test_a_log_of_nothing_but_a_torn_line_is_repaired_to_empty(path: Path) -> None:
    """The first append of all may die, too."""
    path.write_bytes(b"x" * 200_000)
    append(path, b"first")
    assert path.read_bytes() == b"first\n"


def test_a_writer_killed_in_the_middle_leaves_whole_lines_and_frees_its_lock(path: Path) -> None:
    """kill -9 during an append: the next append works at once, and only whole lines are read."""
    program = (
        "import sys; from pathlib import Path; from gatekeeper.edges.jsonl_writer import JsonlLogWriter\n"
        "writer = JsonlLogWriter(Path(sys.argv[1]))\n"
        "while True:\n"
        "    writer.append([(None, b'x' * 5000)] * 100)\n"
        "    print('.', flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, env=environment)
        process.stdout.readline()  # at least one append is done, the next is under way
        process.kill()
        process.wait()
        process.stdout.close()
    append(path, b"survivor")
    lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert lines[-2] == b"survivor"
    assert set(lines[:-2]) == {b"x" * 5000}


def test_writers_at_the_same_time_do_not_mix_lines(path: Path) -> None:
    """Each append is one run of lines with the offsets it reports."""
    reported: dict[int, bytes] = {}

    def write(name: bytes) -> None:
        writer = JsonlLogWriter(path)
        for n in range(30):
            [appended] = writer.append([(None, name + b"-%d" % n)] * 3)
            for line in range(appended.first, appended.last + 1):
                reported[line] = name + b"-%d" % n
        writer.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_bytes().splitlines()
    assert lines == [reported[n] for n in range(360)]


LINES = st.lists(st.one_of(st.binary(max_size=20), st.integers(0, 300).map(lambda n: b"x" * n)), max_size=60)


@given(LINES.map(lambda lines: [line.replace(b"\n", b"") for line in lines]), st.binary(max_size=80), st.data())
def test_every_line_is_found_by_its_number(tmp_path_factory, lines: list[bytes], torn: bytes, data) -> None:
    """Lines shorter and longer than a chunk, a torn tail, reads of any size from any line, while the file grows."""
    path = tmp_path_factory.mktemp("lines") / "log"
    cut = data.draw(st.integers(0, len(lines)))
    path.write_bytes(b"".join(line + b"\n" for line in lines[:cut]) + torn.replace(b"\n", b""))
    file = LineFile(path, scan_bytes=64)  # the same code paths as with gigabytes
    assert file.end().line == cut
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert file.end() == Cursor(len(lines), path.stat().st_size)
    start = data.draw(st.integers(0, len(lines)))
    at, found = file.seek(start), []
    assert at.line == start
    while True:
        read, at = file.read(at, data.draw(st.integers(1, 200)))
        read.validate(full=True)
        if len(read) == 0:
            break
        found += read.to_pylist()
    assert found == lines[start:]
    assert at == file.end()
    with pytest.raises(UnsafeLog, match="out of range"):
        file.seek(len(lines) + 1)
    file.close()


def test_a_poll_is_bounded_in_bytes(path: Path) -> None:
    """Back-pressure: a block is about what was asked for; a longer line comes whole."""
    append(path, *[b"x" * 99 for _ in range(1000)], b"y" * 5000)
    reader = reader_at(path, 0, poll_bytes_max=1000)
    polled: list[int] = []
    while sum(polled) < 99 * 1000 + 5000:
        [block] = reader.poll(0)
        polled.append(block.bytes_total)
    assert max(polled[:-1]) <= 1000
    assert polled[-1] == 5000


def test_values_are_one_binary_column_without_nulls(path: Path) -> None:
    """Files have no keys and no nulls; an empty line is an empty value at its offset."""
    append(path, b"a", b"", b"c")
    [block] = reader_at(path, 0).poll(0)
    assert block.keys is None
    assert block.values.type == pa.binary()
    assert block.values.null_count == 0
    assert values_of([block]) == [b"a", b"", b"c"]
