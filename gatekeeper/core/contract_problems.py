"""What a JSON Schema validator refused → a problem that tells the producer what to mend.

The words come from the schemas: a field's ``description`` says what belongs there, and is what a refusal quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from gatekeeper.core.problems import Problem, Reason, path_of, shown

Schema = Mapping[str, Any]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def first_problem(
    validator: jsonschema_rs.Validator, document: object, schemas: Mapping[str, Schema]
) -> Problem | None:
    """The first thing that the validator refuses, worded with what ``schemas`` (by ``$id``) say of it; or None."""
    try:
        if validator.is_valid(document):
            return None
        error = next(iter(validator.iter_errors(document)))
    except (ValueError, TypeError) as odd:  # a document from elsewhere than ``strict_json``
        return Problem(Reason.WRONG_TYPE, f"$ holds something JSON has no word for ({odd}); quote it")
    return _problem(error, _at(document, error.instance_path), _around(schemas, error.absolute_keyword_location))


def _problem(error: jsonschema_rs.ValidationError, value: object, schema: Schema) -> Problem:
    """``value`` is what was refused, ``schema`` the subschema that refused it."""
    path, wanted, kind = path_of(error.instance_path), schema.get("description", ""), error.kind
    match kind.name:
        case "required":
            field = path_of([*error.instance_path, kind.value])
            return Problem(Reason.MISSING_FIELD, f"{field} is missing; add it: {_described(schema, kind.value)}")
        case "type":
            types = " or ".join(sorted(kind.value) if isinstance(kind.value, list) else [str(kind.value)])
            return Problem(Reason.WRONG_TYPE, f"{path} is {shown(value)}, not {types}; expected: {wanted}")
        case "enum" | "const":
            allowed = schema["enum"] if kind.name == "enum" else [schema["const"]]
            listed = ", ".join(shown(option) for option in allowed if option is not None)
            return Problem(Reason.BAD_VALUE, f"{path} is {shown(value)}; use one of {listed}")
        case "format":
            return Problem(Reason.IMPOSSIBLE_TIME, f"{path} is {shown(value)}; expected: {wanted}")
        case "additionalProperties":
            known, unknown = ", ".join(schema["properties"]), ", ".join(shown(name) for name in kind.value)
            return Problem(Reason.BAD_VALUE, f"{path} has the unknown field {unknown}; use {known}")
    if isinstance(value, str) and (control := _CONTROL.search(value)) and kind.name == "pattern":
        where = f"the control character U+{ord(control[0]):04X} at character {control.start()}"
        return Problem(Reason.CONTROL_CHARACTERS, f"{path} is {shown(value)}; remove {where}")
    return Problem(Reason.BAD_VALUE, f"{path} is {shown(value)}; expected: {wanted}")


def _described(schema: Schema, field: str) -> str:
    described: str = schema.get("properties", {}).get(field, {}).get("description", "the schema says what")
    return described


def _at(document: Any, path: Sequence[str | int]) -> object:
    for step in path:
        document = document[step]
    return document


def _around(schemas: Mapping[str, Schema], location: str | None) -> Schema:
    """The subschema around a keyword's absolute location; of one that says little, the nearest that is described."""
    uri, _, pointer = (location or "").partition("#")
    here: Any = schemas.get(uri, {})
    described: Schema = here
    for step in pointer.split("/")[1:-1]:
        here = here[int(step)] if isinstance(here, list) else here.get(step.replace("~1", "/").replace("~0", "~"), {})
        if isinstance(here, dict) and ("description" in here or "enum" in here or "required" in here):
            described = here
    return described
