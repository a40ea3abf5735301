"""YAML that people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", r"line 3: the key 'a' stands twice"),
        ("a:\n  b: 1\n  b: 1\n", r"line 3: the key 'b' stands twice"),
        ("1: a\n", r"line 1: the key 1 is not text"),
        ("a: [1\nb: 2\n", r"line 2"),
        ("a: !!python/object/apply:os.system [x]\n", r"line 1"),
        ("a: \xff\n", r"cannot be read"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    """A key that stands twice, a key that is no text, an unfinished list, a foreign object, bytes that are no UTF-8."""
    path = tmp_path / "file.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=says):
        read_yaml(path)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    """It names the file."""
    with pytest.raises(BadInput, match=r"file\.yaml does not exist"):
        read_yaml(tmp_path / "file.yaml")


def test_plain_words_stay_words(tmp_path: Path) -> None:
    """Norway is no boolean, a time is no object, a number with a leading zero is no number; the rest is as in JSON."""
    path = tmp_path / "file.yaml"
    path.write_text("[NO, no, on, 2024-02-07T00:00:00Z, 2024-02-07, 012, 12:30, true, false, null, ~, 1, -2, 1.5, 1e3]")
    assert read_yaml(path) == [
        *("NO", "no", "on", "2024-02-07T00:00:00Z", "2024-02-07", "012", "12:30"),
        *(True, False, None, None, 1, -2, 1.5, 1000.0),
    ]
