"""Names: what is built can be parsed, what cannot be built is not parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.core import layout

DATASETS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,20}[A-Za-z0-9])?", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)

IN_LAKE = st.one_of(
    st.builds(layout.Table, st.sampled_from(layout.TABLES)),
    st.builds(layout.DatasetTable, DATASETS),
    st.builds(layout.PinnedLog, st.sampled_from(layout.LOGS)),
    st.builds(layout.Kept, st.sampled_from(layout.KEPT_KINDS), DIGESTS),
)
IN_WORKSPACE = st.one_of(
    st.builds(layout.Log, st.sampled_from(layout.LOGS)),
    st.builds(layout.Declaration, DATASETS),
    st.builds(layout.Release, DATASETS, VERSIONS),
    st.builds(layout.Build, DATASETS, VERSIONS),
)
IN_TABLE = st.one_of(
    st.builds(layout.DataFile, st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True)),
    st.builds(layout.LogEntry, st.integers(0, 10**20 - 1)),
)
APPS = st.builds(
    layout.ContentApp, st.text(st.characters(codec="utf-8"), min_size=1), st.text(min_size=1), st.integers(0, 10**9)
)


@given(IN_LAKE)
def test_a_name_in_the_lake_is_parsed_to_what_built_it(place: layout.LakePlace) -> None:
    """``parse(build(x)) == x`` for every table, dataset table and kept document."""
    assert layout.parse_in_lake(layout.build_in_lake(place)) == place


@given(IN_WORKSPACE)
def test_a_name_in_the_workspace_is_parsed_to_what_built_it(place: layout.WorkspacePlace) -> None:
    """``parse(build(x)) == x`` for every log, declaration and release."""
    assert layout.parse(layout.build(place)) == place


@given(IN_TABLE)
def test_a_file_name_in_a_table_is_parsed_to_what_built_it(place: layout.TablePlace) -> None:
    """``parse(build(x)) == x`` for data files and log entries."""
    assert layout.parse_in_table(layout.build_in_table(place)) == place


@given(APPS)
def test_an_application_id_is_parsed_to_what_built_it(app: layout.ContentApp) -> None:
    """Whatever characters a cluster or topic id has, the partition's transaction can be told."""
    try:
        name = layout.build_app_id(app)
    except UnicodeEncodeError:  # a lone surrogate is no text
        assume(False)
        return
    assert layout.parse_app_id(name) == app


@given(APPS, APPS)
def test_two_partitions_never_share_an_application_id(one: layout.ContentApp, other: layout.ContentApp) -> None:
    """An id with a slash in it cannot pass for another cluster's partition."""
    try:
        same = layout.build_app_id(one) == layout.build_app_id(other)
    except UnicodeEncodeError:
        return
    assert same == (one == other)


NAMES: list[tuple[Callable[[Any], str], Callable[[str], object]]] = [
    (layout.build_in_lake, layout.parse_in_lake),
    (layout.build, layout.parse),
    (layout.build_in_table, layout.parse_in_table),
    (layout.build_app_id, layout.parse_app_id),
]


@given(st.text())
def test_no_text_is_guessed(text: str) -> None:
    """A text is parsed only if building gives exactly that text again."""
    for build, parse in NAMES:
        try:
            place = parse(text)
        except ValueError:
            continue
        assert build(place) == text


@pytest.mark.parametrize(
    "place",
    [
        layout.DatasetTable("../catalog"),
        layout.DatasetTable(""),
        layout.DatasetTable(".."),
        layout.DatasetTable("a/b"),
        layout.DatasetTable("a\n"),
        layout.DatasetTable("A"),
        layout.DatasetTable("it's"),
        layout.Table("orders"),
        layout.Kept("policy", "sha256:abc"),
        layout.Kept("secret", "sha256:" + "0" * 64),
    ],
)
def test_a_name_that_would_leave_its_folder_is_not_built(place: layout.LakePlace) -> None:
    """No dataset name, table or digest reaches outside its folder, or into an SQL predicate."""
    with pytest.raises(ValueError, match=r"part of a name|is none of"):
        layout.build_in_lake(place)


@pytest.mark.parametrize(
    "text",
    ["", "content", "content/a/b", "content/a/b/-1", "content/a/b/01", "content/a//0", "content/%61/b/0", "sweep"],
)
def test_other_transactions_are_not_a_content_partition(text: str) -> None:
    """``sweep``, ``decisions`` and malformed ids are refused, also a second spelling of an id."""
    with pytest.raises(ValueError, match=r"application id|part of a name|percent"):
        layout.parse_app_id(text)


def test_a_dataset_may_be_called_like_a_table() -> None:
    """Dataset tables have a folder of their own: ``datasets/rights`` is not ``rights``."""
    assert layout.build_in_lake(layout.DatasetTable("rights")) == "datasets/rights"


@given(DATASETS, VERSIONS)
def test_the_name_of_a_release_is_parsed_to_what_built_it(dataset: str, version: str) -> None:
    """``dataset@version``, whatever characters either may hold."""
    assert layout.parse_name(layout.build_name(dataset, version)) == (dataset, version)


@pytest.mark.parametrize("text", ["", "a", "a@", "@1", "a@1@2", "A@1", "../a@1", "a@../1", "a@1/2"])
def test_what_is_no_name_of_a_release_is_refused(text: str) -> None:
    """Nothing that could lead out of the folder of releases."""
    with pytest.raises(ValueError, match="cannot be part of a name"):
        layout.parse_name(text)
