"""gatekeeper.yaml."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import pytest

from gatekeeper.config import Kafka, Limits, Storage, find_workspace, read_workspace
from gatekeeper.errors import BadInput


def _write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "gatekeeper.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format: 2", "format 2"),
        ("log: cloud", "files or kafka"),
        ("logs: files", "'logs'"),
        ("- a", "settings"),
        ("limits: {event_bytes_max: 0}", "event_bytes_max"),
        ("limits: {event_bytes_max: true}", "event_bytes_max"),
        ("limits: {event_bytes_max: 1.5}", "event_bytes_max"),
        ("limits: {events_max: 1}", "events_max"),
        ("limits: 5", "limits"),
        ("log: kafka", "bootstrap_servers"),
        ("log: kafka\nkafka: {bootstrap_servers: b:1, groups: g}", "groups"),
        ("log: kafka\nkafka: {bootstrap_servers: b:1, rights_topic: 5}", "rights_topic"),
        ("log: kafka\nkafka: {bootstrap_servers: b:1, development: yes}", "development"),
        ("log: kafka\nkafka: {bootstrap_servers: b:1, options: [a]}", "options"),
        ("log: kafka\nkafka: {bootstrap_servers: b:1, options: {sasl_plain_password: '${NOT_SET}'}}", "NOT_SET"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(text: str, says: str, tmp_path: Path) -> None:
    """Unknown names, wrong types and missing values are named; none is ignored."""
    with pytest.raises(BadInput, match=r"gatekeeper\.yaml") as refused:
        read_workspace(_write(tmp_path, text), {})
    assert says in refused.value.what


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    """Files as logs, and the limits as they are."""
    workspace = read_workspace(_write(tmp_path, ""), {})
    assert (workspace.kafka, workspace.limits) == (None, Limits())


def test_kafka_is_configured_with_passwords_from_the_environment(tmp_path: Path) -> None:
    """No password has to stand in the file; servers are a list or one text."""
    text = (
        "log: kafka\nkafka:\n  bootstrap_servers: [a:1, b:2]\n  options: {sasl_plain_password: 'x${SECRET}y', api: 5}\n"
    )
    kafka = read_workspace(_write(tmp_path, text), {"SECRET": "s"}).kafka
    assert kafka == Kafka("a:1,b:2", options={"sasl_plain_password": "xsy", "api": 5})


def test_kafka_settings_sleep_while_logs_are_files(tmp_path: Path) -> None:
    """A prepared kafka section does no harm."""
    assert read_workspace(_write(tmp_path, "log: files\nkafka: {bootstrap_servers: b:1}"), {}).kafka is None


def test_the_workspace_asked_for_wins_over_the_current_folder(tmp_path: Path) -> None:
    """And the current folder serves only where it is a workspace."""
    (tmp_path / "one").mkdir()
    one = _write(tmp_path / "one", "")
    assert find_workspace(one, tmp_path) == one
    assert find_workspace(None, one) == one
    with pytest.raises(BadInput, match="not a workspace"):
        find_workspace(None, tmp_path)


def test_every_limit_is_shown_in_the_shipped_settings_with_its_default() -> None:
    """The comments of gatekeeper.yaml name every limit there is, and no other, with the number that holds."""
    text = (files("gatekeeper") / "shipped" / "gatekeeper.yaml").read_text("utf-8")
    shown = {name: int(value) for name, value in re.findall(r"^#   ([a-z_]+): (\d+) ", text, re.MULTILINE)}
    assert shown == asdict(Limits())


def test_a_lake_in_an_object_store(tmp_path: Path) -> None:
    """Its secrets come from the environment; on S3 a commit is a put-if-absent unless somebody says otherwise."""
    text = "lake:\n  uri: s3://music/lake/\n  options: {aws_secret_access_key: '${SECRET}'}\n"
    workspace = read_workspace(_write(tmp_path, text), {"SECRET": "s"})
    assert workspace.lake == "s3://music/lake"
    assert workspace.lake_options == {"aws_conditional_put": "etag", "aws_secret_access_key": "s"}


@pytest.mark.parametrize("section", ["lake: s3://b/l", "lake: {options: {}}", "lake: {uri: /srv/lake}"])
def test_a_lake_nowhere_is_refused(tmp_path: Path, section: str) -> None:
    """A folder needs no setting; what is not a place is a mistake."""
    with pytest.raises(BadInput, match="lake"):
        read_workspace(_write(tmp_path, section), {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("releases: 5", "releases"),
        ("releases: {uri: 5}", "uri"),
        ("releases: {url: x}", "'url'"),
        ("releases: {uri: 's3://b', options: [a]}", "options"),
        ("releases: {uri: 's3://b', options: {aws_secret_access_key: '${NOT_SET}'}}", "NOT_SET"),
    ],
)
def test_a_place_for_releases_that_means_nothing_is_refused(text: str, says: str, tmp_path: Path) -> None:
    """As any other setting."""
    with pytest.raises(BadInput, match=r"gatekeeper\.yaml") as refused:
        read_workspace(_write(tmp_path, text), {})
    assert says in refused.value.what


def test_releases_go_to_a_folder_or_a_bucket(tmp_path: Path) -> None:
    """A folder by default; a bucket with options, passwords from the environment."""
    assert read_workspace(_write(tmp_path, ""), {}).releases == Storage("releases")
    assert read_workspace(_write(tmp_path, "releases: /srv/releases/"), {}).releases == Storage("/srv/releases")
    text = "releases: {uri: 's3://b/r/', options: {aws_secret_access_key: '${SECRET}', object_lock_days: 5}}"
    told = {"aws_secret_access_key": "s", "object_lock_days": "5"}
    assert read_workspace(_write(tmp_path, text), {"SECRET": "s"}).releases == Storage("s3://b/r", told)
