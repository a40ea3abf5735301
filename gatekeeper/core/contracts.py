"""The published contracts of ``schemas/`` as checks: a parsed document → its first problem, or None.

Rules of this file: the schemas are the truth and come in as values; a document's written ``type`` picks its schema, so
that there is one spelling per event; what the schemas do not mention is allowed; a refusal says what to mend, in the
words of the schema's own descriptions. Major versions: a type without a suffix is major 1, ``<type>.vN`` is major N.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from gatekeeper.core.contract_problems import Schema, first_problem
from gatekeeper.core.problems import Problem, Reason, shown
from gatekeeper.core.times import parse_instant
from gatekeeper.errors import Bug

Check = Callable[[object], Problem | None]

EARLIEST_US: Final = -62_135_596_800_000_000
LATEST_US: Final = 253_402_300_799_999_999
"""0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: beyond them tables and calendars cannot follow."""

_MAJOR_DIGITS_MAX: Final = 9
_SUFFIX: Final = re.compile(r"(?P<base>.+)\.v(?P<major>\d+)", re.ASCII)
_DATASCHEMA: Final = re.compile(r"(?:/v?(\d+)(?:\.\d+){0,2}/?|\.(\d+)\.schema\.json)$", re.ASCII)
# Times that need no calendar to be believed; the others are asked of ``parse_instant``.
_PLAIN_TIME: Final = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


@dataclass(frozen=True)
class Contracts:
    """One check per kind of document. Each takes a strictly parsed JSON value and never raises for what is in it."""

    check_content: Check
    check_rights: Check
    check_policy: Check
    check_dataset: Check
    check_workspace: Check
    check_manifest: Check


def contracts_of(schemas: Iterable[Schema]) -> Contracts:
    """Compile every schema file, each given as its parsed document. Raises ``Bug`` when they do not fit together."""
    book = _Book({schema["$id"]: schema for schema in schemas})
    return Contracts(
        check_content=book.event_check("content"),
        check_rights=book.event_check("rights"),
        check_policy=book.document_check("policy"),
        check_dataset=book.document_check("dataset"),
        check_workspace=book.document_check("workspace"),
        check_manifest=book.document_check("manifest"),
    )


def dataschema_major(uri: str) -> int:
    """The major version a ``dataschema`` ends in (``…/2``, ``….2.schema.json``); 1 when it ends in none."""
    found = _DATASCHEMA.search(uri)
    return int((found[1] or found[2])[:_MAJOR_DIGITS_MAX]) if found else 1


def is_instant(text: object) -> bool:
    """RFC 3339 with an offset, on the calendar and between the years 1 and 9999 in UTC."""
    if not isinstance(text, str) or _PLAIN_TIME.fullmatch(text):
        return True
    try:
        return EARLIEST_US <= parse_instant(text) <= LATEST_US
    except ValueError:
        return False


class _MaxBytes:
    """The keyword ``maxBytes`` of our schemas: a string's length in UTF-8."""

    def __init__(self, _parent: dict[str, Any], limit: int, _path: list[str | int]) -> None:
        self._limit = limit

    def validate(self, instance: object) -> None:
        if isinstance(instance, str) and len(instance.encode()) > self._limit:
            raise ValueError(f"longer than {self._limit} bytes")


class _Book:
    """All schemas by ``$id``, and validators made of them."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = schemas
        try:
            self._registry = jsonschema_rs.Registry([(uri, dict(schema)) for uri, schema in schemas.items()])
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise Bug(f"the schemas do not fit together: {error}") from error

    def validator(self, schema: Schema) -> jsonschema_rs.Validator:
        try:
            return jsonschema_rs.validator_for(
                dict(schema),
                registry=self._registry,
                offline=True,
                validate_formats=True,
                formats={"date-time": is_instant},
                keywords={"maxBytes": _MaxBytes},
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise Bug(f"the schema {schema.get('$id')} cannot be used: {error}") from error

    def event_check(self, topic: str) -> Check:
        events = [s for s in self.schemas.values() if s.get("x-gatekeeper", {}).get("topic") == topic]
        validators = {_written_type(schema): self.validator(schema) for schema in events}
        if not validators:
            raise Bug(f"no schema for topic {topic}")
        envelope = self.validator({"$ref": events[0]["$ref"], "$id": events[0]["$id"]})
        return _EventCheck(validators, envelope, self.schemas)

    def document_check(self, name: str) -> Check:
        found = [s for s in self.schemas.values() if s["$id"].endswith(f"/{name}.1.schema.json")]
        if len(found) != 1:
            raise Bug(f"{len(found)} schemas for {name}, not one")
        validator = self.validator(found[0])
        return lambda document: first_problem(validator, document, self.schemas)


def _written_type(schema: Schema) -> str:
    major = schema["x-gatekeeper"]["major"]
    name: str = schema["properties"]["type"]["const"]
    if (name if major == 1 else name.removesuffix(f".v{major}") + f".v{major}") != name:
        raise Bug(f"{schema['$id']}: the type {name!r} does not spell major version {major}")
    return name


class _EventCheck:
    """Picks an event's schema by its written type, then asks it."""

    def __init__(
        self,
        validators: Mapping[str, jsonschema_rs.Validator],
        envelope: jsonschema_rs.Validator,
        schemas: Mapping[str, Schema],
    ) -> None:
        self._validators, self._envelope, self._schemas = validators, envelope, schemas

    def __call__(self, document: object) -> Problem | None:
        if not isinstance(document, dict):
            return Problem(Reason.WRONG_TYPE, f"$ is {shown(document)}; send one CloudEvents object per record")
        specversion, kind = document.get("specversion"), document.get("type")
        if isinstance(specversion, str) and specversion != "1.0":
            return Problem(Reason.UNKNOWN_VERSION, f'$.specversion is {shown(specversion)}; send CloudEvents "1.0"')
        if not isinstance(kind, str):
            return first_problem(self._envelope, document, self._schemas)
        validator = self._validators.get(kind)
        if validator is None:
            return self._unknown(kind)
        dataschema = document.get("dataschema")
        if isinstance(dataschema, str) and dataschema_major(dataschema) != _major(kind):
            written = f"$.dataschema {shown(dataschema)} is not major version {_major(kind)} of {kind}"
            return Problem(Reason.UNKNOWN_VERSION, f"{written}; send that version, or leave dataschema out")
        return first_problem(validator, document, self._schemas)

    def _unknown(self, kind: str) -> Problem:
        found = _SUFFIX.fullmatch(kind)
        if found and found["base"] in self._validators:
            advice = f"send type {shown(found['base'])} (major version 1 is written without a suffix)"
            return Problem(Reason.UNKNOWN_VERSION, f"$.type is {shown(kind)}, a version not known here; {advice}")
        known = ", ".join(self._validators)
        return Problem(Reason.UNKNOWN_TYPE, f"$.type is {shown(kind)}, which does not belong here; use one of {known}")


def _major(kind: str) -> int:
    found = _SUFFIX.fullmatch(kind)
    return int(found["major"][:_MAJOR_DIGITS_MAX]) if found else 1
