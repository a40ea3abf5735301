"""What the published contracts refuse, with which reason, and that the reason says where."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest

from gatekeeper.core.contracts import contracts_of, dataschema_major
from gatekeeper.core.problems import MEANING, Problem, Reason
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.errors import Bug
from tests.core.content_records import CONTRACTS, event, rich_event

ABSENT = object()


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The document with one place (``data.tags.0``) replaced, or removed by ``ABSENT``."""
    result: Any = copy.deepcopy(document)
    here = result
    *before, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in before:
        here = here[step]
    if value is ABSENT:
        del here[last]
    else:
        here[last] = value
    return result


CONTENT_REFUSED = [
    ("specversion", ABSENT, "missing_field", "$.specversion"),
    ("specversion", "0.3", "unknown_version", "$.specversion"),
    ("specversion", 1.0, "wrong_type", "$.specversion"),
    ("id", ABSENT, "missing_field", "$.id"),
    ("id", "", "bad_value", "$.id"),
    ("id", None, "wrong_type", "$.id"),
    ("source", 5, "wrong_type", "$.source"),
    ("source", "urn:\x07", "control_characters", "U+0007"),
    ("type", ABSENT, "missing_field", "$.type"),
    ("type", ["content.published"], "wrong_type", "$.type"),
    ("type", "content.published.v2", "unknown_version", "content.published"),
    ("type", "content.published.v1", "unknown_version", "without a suffix"),
    ("type", "content.deleted", "unknown_type", "content.removed"),
    ("type", "content.deleted.v2", "unknown_type", "content.removed"),
    ("type", "rights.claim.opened", "unknown_type", "content.removed"),
    ("dataschema", "https://schemas.example/content/2", "unknown_version", "$.dataschema"),
    ("dataschema", "https://schemas.example/content.published.2.schema.json", "unknown_version", "$.dataschema"),
    ("dataschema", 1, "wrong_type", "$.dataschema"),
    ("time", ABSENT, "missing_field", "$.time"),
    ("time", 1_748_779_200, "wrong_type", "$.time"),
    ("time", "2025-06-01T12:00:00", "impossible_time", "offset"),
    ("time", "2025-02-30T12:00:00Z", "impossible_time", "$.time"),
    ("time", "2024-12-31T23:59:60Z", "impossible_time", "$.time"),
    ("data", ABSENT, "missing_field", "$.data"),
    ("data", "text", "wrong_type", "$.data"),
    ("data", None, "wrong_type", "$.data"),
    ("data.asset_id", ABSENT, "missing_field", "$.data.asset_id"),
    ("data.asset_id", "", "bad_value", "$.data.asset_id"),
    ("data.asset_id", 17, "wrong_type", "$.data.asset_id"),
    ("data.asset_id", "a\x00b", "control_characters", "U+0000"),
    ("data.asset_id", "a\x85b", "control_characters", "U+0085"),
    ("data.asset_id", "x" * 513, "bad_value", "512 bytes"),
    ("data.asset_id", "é" * 257, "bad_value", "512 bytes"),
    ("data.account_id", None, "wrong_type", "$.data.account_id"),
    ("data.interests", {}, "wrong_type", "$.data.interests"),
    ("data.interests.0", None, "wrong_type", "$.data.interests[0]"),
    ("data.interests.1.role", "mixer", "bad_value", '"performance"'),
    ("data.interests.1.role", "Recording", "bad_value", "$.data.interests[1].role"),
    ("data.interests.1.role", ABSENT, "missing_field", "$.data.interests[1].role"),
    ("data.interests.0.party_id", "", "bad_value", "$.data.interests[0].party_id"),
    ("data.identifiers", [], "wrong_type", "$.data.identifiers"),
    ("data.identifiers.isrc", "", "bad_value", "leave the field out"),
    ("data.identifiers.isrc", 5, "wrong_type", "$.data.identifiers.isrc"),
    ("data.catalogs", "main", "wrong_type", "$.data.catalogs"),
    ("data.catalogs.0", "a\nb", "control_characters", "$.data.catalogs[0]"),
    ("data.licence", 4, "wrong_type", "$.data.licence"),
    ("data.tags.1", None, "wrong_type", "$.data.tags[1]"),
    ("data.reservations.0.vocabulary", "", "bad_value", "$.data.reservations[0].vocabulary"),
    ("data.reservations.0.statement", ABSENT, "missing_field", "$.data.reservations[0].statement"),
    ("data.reservations.0.statement", {"use": "no"}, "wrong_type", "$.data.reservations[0].statement"),
    ("data.duration_ms", -1, "bad_value", "$.data.duration_ms"),
    ("data.duration_ms", 1.5, "wrong_type", "$.data.duration_ms"),
    ("data.duration_ms", "214000", "wrong_type", "$.data.duration_ms"),
    ("data.duration_ms", 2**53, "bad_value", "$.data.duration_ms"),
    ("data.duration_ms", 10**300, "bad_value", "$.data.duration_ms"),
    ("data.duration_ms", True, "wrong_type", "$.data.duration_ms"),
    ("data.published_at", "soon", "impossible_time", "$.data.published_at"),
    ("data.attributes", ["bpm"], "wrong_type", "$.data.attributes"),
    ("data.attributes", {"b p m": 84}, "wrong_type", '$.data.attributes["b p m"]'),
]


@pytest.mark.parametrize(("path", "value", "reason", "said"), CONTENT_REFUSED)
def test_a_content_event_that_breaks_its_contract_is_refused(path: str, value: object, reason: str, said: str) -> None:
    """One wrong place in an otherwise full event: the reason is exact and the detail points at it."""
    problem = CONTRACTS.check_content(changed(rich_event(), path, value))
    assert problem is not None
    assert (problem.reason, said in problem.detail) == (reason, True), problem.detail


CONTENT_ALLOWED = [
    ("data.duration_ms", 214_000.0),
    ("data.duration_ms", 2**53 - 1),
    ("data.asset_id", "é" * 256),
    ("data.asset_id", "\u202eid\u2028"),
    ("data.licence", ""),
    ("data.title", "two\nlines"),
    ("data.reservations.0.vocabulary", "some-future-vocabulary"),
    ("data.interests", []),
    ("data.identifiers", {}),
    ("data.attributes", {"bpm": None}),
    ("data.label_copy", {"p": [1, 2.5]}),
    ("data.interests.0.share", 0.5),
    ("traceparent", "00-ab"),
    ("dataschema", "https://schemas.example/content/1"),
    ("dataschema", "https://schemas.example/content.published.1.schema.json"),
    ("type", "content.updated"),
    ("type", "content.removed"),
]


@pytest.mark.parametrize(("path", "value"), CONTENT_ALLOWED)
def test_what_the_contract_leaves_open_is_allowed(path: str, value: object) -> None:
    """Unknown fields are never fatal; ids may be in any script; 214000.0 is an integer."""
    assert CONTRACTS.check_content(changed(rich_event(), path, value)) is None


@pytest.mark.parametrize("field", ["interests", "identifiers", "catalogs", "licence", "tags", "reservations", "title"])
def test_null_in_an_optional_field_is_no_field(field: str) -> None:
    """A producer that writes null for "nothing" is understood."""
    assert CONTRACTS.check_content(changed(rich_event(), f"data.{field}", None)) is None


@pytest.mark.parametrize("document", [None, [], [event()], "text", 5])
def test_what_is_no_object_is_no_event(document: object) -> None:
    """A batch of events in one record is not an event either."""
    for check in (CONTRACTS.check_content, CONTRACTS.check_rights):
        problem = check(document)
        assert problem is not None
        assert problem.reason == "wrong_type"


RIGHTS = {
    schema["properties"]["type"]["const"]: schema["examples"][0]
    for schema in read_schemas()
    if schema.get("x-gatekeeper", {}).get("topic") == "rights"
}
RIGHTS_REFUSED = [
    ("rights.consent.granted", "data.purposes", [], "bad_value"),
    ("rights.consent.granted", "data.purposes", ABSENT, "missing_field"),
    ("rights.consent.granted", "data.speaker", "asset:1", "bad_value"),
    ("rights.consent.granted", "data.subject", "track-1", "bad_value"),
    ("rights.consent.granted", "data.subject", "isrc:", "bad_value"),
    ("rights.consent.granted", "data.subject", "asset:a\nb", "control_characters"),
    ("rights.consent.granted", "data.territories", ["DEU"], "bad_value"),
    ("rights.consent.granted", "data.valid_until", "2026-01-01", "impossible_time"),
    ("rights.consent.granted", "data.evidence", {"uri": "s3://x"}, "missing_field"),
    ("rights.agreement.signed", "data.scope", ABSENT, "missing_field"),
    ("rights.agreement.signed", "data.scope", {"all": True, "catalogs": ["a"]}, "bad_value"),
    ("rights.agreement.signed", "data.scope", {"all": "yes"}, "wrong_type"),
    ("rights.agreement.signed", "data.valid_from", None, "wrong_type"),
    ("rights.terms.published", "data.grants", {"training": "maybe"}, "bad_value"),
    ("rights.terms.published", "data.acceptance", "silence", "bad_value"),
    ("rights.claim.opened", "data.kind", "complaint", "bad_value"),
    ("rights.claim.opened", "data.subject", ABSENT, "missing_field"),
    ("rights.reservation.declared", "data.statement", ABSENT, "missing_field"),
    ("policy.activated", "data.digest", "sha256:12", "bad_value"),
    ("dataset.declared", "data.name", "../escape", "bad_value"),
    ("rights.unreadable.answered", "data.position", -1, "bad_value"),
    ("rights.claim.opened", "type", "rights.claim.opened.v2", "unknown_version"),
    ("rights.claim.opened", "type", "content.published", "unknown_type"),
]


@pytest.mark.parametrize(("kind", "path", "value", "reason"), RIGHTS_REFUSED)
def test_a_rights_event_that_breaks_its_contract_is_refused(kind: str, path: str, value: object, reason: str) -> None:
    """What is refused here is unreadable, and holds its subject: nothing is guessed."""
    problem = CONTRACTS.check_rights(changed(RIGHTS[kind], path, value))
    assert problem is not None
    assert problem.reason == reason, problem


RIGHTS_ALLOWED = [
    ("rights.agreement.signed", "data.scope", {}),
    ("rights.agreement.signed", "data.scope", {"all": True}),
    ("rights.agreement.signed", "data.scope", {"all": True, "catalogs": []}),
    ("rights.agreement.signed", "data.scope", {"all": False, "catalogs": ["a"]}),
    ("rights.agreement.signed", "data.permits", []),
    ("rights.agreement.signed", "data.valid_until", "2001-01-01T00:00:00Z"),
    ("rights.consent.granted", "data.territories", ["de", "Fr"]),
    ("rights.consent.granted", "data.models", None),
    ("rights.claim.resolved", "data", {"claim_id": "c"}),
    ("rights.reservation.lifted", "data", {"subject": "party:p", "vocabulary": "x-new"}),
]


@pytest.mark.parametrize(("kind", "path", "value"), RIGHTS_ALLOWED)
def test_rights_events_may_say_little(kind: str, path: str, value: object) -> None:
    """An empty scope covers nothing but is valid; a resolved claim needs its id only; territories are of any case."""
    assert CONTRACTS.check_rights(changed(RIGHTS[kind], path, value)) is None


def test_a_declaration_may_hold_what_nobody_here_knows() -> None:
    """A key of a later version is kept; one that looks like a typing mistake is refused where the file is read."""
    example = next(s for s in read_schemas() if s["$id"].endswith("/dataset.1.schema.json"))["examples"][0]
    assert CONTRACTS.check_dataset({**example, "media": "reference"}) is None


def test_a_value_that_json_does_not_have_is_a_problem_not_an_exception() -> None:
    """A document from YAML may hold a date."""
    example = next(s for s in read_schemas() if s["$id"].endswith("/dataset.1.schema.json"))["examples"][0]
    problem = CONTRACTS.check_dataset({**example, "owner": dt.date(2025, 1, 1)})
    assert problem is not None
    assert problem.reason == "wrong_type"


@pytest.mark.parametrize(
    ("uri", "major"),
    [
        ("https://x.example/s/1", 1),
        ("https://x.example/s/2/", 2),
        ("https://x.example/s/v3", 3),
        ("https://x.example/s/2.1.0", 2),
        ("gatekeeper:/schemas/content.published/content.published.4.schema.json", 4),
        ("https://x.example/s", 1),
        ("https://x.example:8080", 1),
        ("https://x.example/" + "9" * 9_999, 999_999_999),
    ],
)
def test_the_major_version_of_a_dataschema_is_its_last_number(uri: str, major: int) -> None:
    """A URI that names no version says nothing about it."""
    assert dataschema_major(uri) == major


def test_schemas_that_do_not_fit_together_are_our_bug() -> None:
    """A missing shared file shows when the contracts are made, not when the first event comes."""
    with pytest.raises(Bug):
        contracts_of([schema for schema in read_schemas() if not schema["$id"].endswith("/common.1.schema.json")])
    with pytest.raises(Bug):
        contracts_of([])


def test_every_reason_has_a_meaning() -> None:
    """The table of reasons is closed and documented."""
    assert set(MEANING) == set(Reason)
    assert str(Problem(Reason.BAD_JSON, "x")) == "bad_json: x"
