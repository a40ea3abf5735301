"""The schemas: well made, true to their examples, and additive inside a major version."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gatekeeper.core.content_rows import DURATION_MS_MAX, IDENTIFIER_BYTES_MAX, ROLES, TYPES
from gatekeeper.core.content_strict import DATA_KEYS
from gatekeeper.core.problems import MEANING, Problem, Reason
from gatekeeper.core.strict_json import loads
from gatekeeper.edges.shipped import read_schemas, schemas_folder
from gatekeeper.edges.yaml_files import read_yaml
from tests.core.content_records import CONTRACTS, reason_of
from tests.schema_compatibility import breaks

FOLDER = schemas_folder()
REPOSITORY = Path(__file__).resolve().parents[1]
SHIPPED = REPOSITORY / "gatekeeper" / "shipped"
SCHEMAS = {schema["$id"].rpartition("/")[2].removesuffix(".schema.json"): schema for schema in read_schemas()}
EVENTS = {name: schema for name, schema in SCHEMAS.items() if schema.get("x-gatekeeper", {}).get("kind") == "event"}
METASCHEMA = SCHEMAS["metaschema.1"]
EXAMPLES = sorted(path for path in FOLDER.glob("*/*.json") if not path.name.endswith(".schema.json"))
CHECKS: dict[str, Callable[[object], Problem | None]] = {
    "rights": CONTRACTS.check_rights,
    "policy": CONTRACTS.check_policy,
    "dataset": CONTRACTS.check_dataset,
    "workspace": CONTRACTS.check_workspace,
    "manifest": CONTRACTS.check_manifest,
}


def said_of(name: str, raw: bytes) -> str:
    """The reason that the bytes are refused as ``name``; ``valid`` when they are not."""
    kind = SCHEMAS[name]["x-gatekeeper"].get("topic") or name.partition(".")[0]
    if kind == "content":
        return reason_of(raw)
    document = loads(raw)
    problem = document if isinstance(document, Problem) else CHECKS[kind](document)
    return str(problem.reason) if problem else "valid"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_what_its_name_says(path: Path) -> None:
    """``….<case>.pass.json`` is valid; ``….<case>.<reason>.fail.json`` is refused for that reason."""
    name = f"{path.parent.name}.1"
    major, case, *rest = path.name.removeprefix(f"{path.parent.name}.").split(".")
    assert (major, bool(case)) == ("1", True)
    expected = "valid" if rest == ["pass", "json"] else rest[0]
    assert rest in (["pass", "json"], [expected, "fail", "json"])
    assert said_of(name, path.read_bytes()) == expected


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in ("common.1", "metaschema.1")])
def test_every_schema_has_examples_that_pass_and_that_fail(name: str) -> None:
    """An example inside the schema is valid too, and a full example lies beside it."""
    for example in SCHEMAS[name]["examples"]:
        assert said_of(name, json.dumps(example).encode()) == "valid"
    folder = FOLDER / name.removesuffix(".1")
    assert list(folder.glob("*.pass.json"))
    assert list(folder.glob("*.fail.json"))


def test_the_examples_show_every_reason_that_a_value_can_be_refused_for() -> None:
    """A producer finds an example of each; the others are not about the value."""
    shown = {path.name.split(".")[-3] for path in EXAMPLES if path.name.endswith(".fail.json")}
    assert set(Reason) - shown == {Reason.NULL_KEY, Reason.NULL_VALUE, Reason.KEY_MISMATCH, Reason.OVERSIZE}


def test_the_readme_explains_every_reason_in_the_words_of_the_code() -> None:
    """The table that producers read is the table that the readers use."""
    readme = (FOLDER / "README.md").read_text()
    assert [reason for reason, meaning in MEANING.items() if f"| `{reason}` | {meaning} |" not in readme] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_json_schema_and_keeps_to_the_metaschema(name: str) -> None:
    """Described, with examples and handling, and in no keyword that the compatibility test does not understand."""
    jsonschema_rs.meta.validate(SCHEMAS[name])
    if name != "metaschema.1":
        validator = jsonschema_rs.validator_for(METASCHEMA, offline=True, validate_formats=True)
        assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(SCHEMAS[name])] == []


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"title": None}, "title"),
        ({"examples": []}, "examples"),
        ({"x-gatekeeper": {"kind": "event", "major": 1}}, "topic"),
        ({"patternProperties": {}}, "patternProperties"),
        ({"properties": {"type": {"const": "x"}, "data": {"type": "object"}}}, "data"),
    ],
)
def test_the_metaschema_refuses_a_schema_that_is_not_described(broken: dict[str, Any], where: str) -> None:
    """No title, no example, no topic, an unknown keyword, a field nobody described."""
    schema = {**SCHEMAS["rights.claim.opened.1"], **broken}
    validator = jsonschema_rs.validator_for(METASCHEMA, offline=True)
    assert any(where in f"{error.instance_path} {error.message}" for error in validator.iter_errors(schema))


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "metaschema.1"])
def test_a_schema_lies_where_its_id_and_version_say(name: str) -> None:
    """Folder, file, ``$id``, major version and, of an event, the written type are one name."""
    base, _, major = name.rpartition(".")
    schema = SCHEMAS[name]
    assert json.loads((FOLDER / base / f"{name}.schema.json").read_bytes()) == schema
    assert schema["$id"] == f"gatekeeper:/schemas/{base}/{name}.schema.json"
    assert schema["x-gatekeeper"]["major"] == int(major)
    if name in EVENTS:
        assert schema["properties"]["type"]["const"] == (base if major == "1" else f"{base}.v{major}")


def test_the_topics_carry_exactly_the_events_that_have_schemas() -> None:
    """``topics.json`` and the schemas name the same events, versions and topics."""
    topics = json.loads((FOLDER / "topics.json").read_bytes())["topics"]
    carried = {(t["topic"], f"{kind}.{major}") for t in topics for kind in t["events"] for major in t["events"][kind]}
    assert carried == {(schema["x-gatekeeper"]["topic"], name) for name, schema in EVENTS.items()}


def test_the_readers_know_what_the_content_schemas_say() -> None:
    """Constants that the fast reader uses instead of a schema are the schema's."""
    definitions = SCHEMAS["common.1"]["$defs"]
    content = definitions["content"]["properties"]
    assert set(content) == DATA_KEYS
    assert content["interests"]["items"]["properties"]["role"]["enum"] == list(ROLES)
    assert content["duration_ms"]["maximum"] == DURATION_MS_MAX
    assert definitions["identifier"]["then"]["maxBytes"] == IDENTIFIER_BYTES_MAX
    on_content = [schema for schema in EVENTS.values() if schema["x-gatekeeper"]["topic"] == "content"]
    assert {schema["properties"]["type"]["const"] for schema in on_content} == set(TYPES)


@pytest.mark.parametrize("name", [name for name in EVENTS if "personal" in EVENTS[name]["x-gatekeeper"]])
def test_every_personal_field_exists(name: str) -> None:
    """A pointer to erase by leads to a field of the event."""
    for pointer in EVENTS[name]["x-gatekeeper"]["personal"]:
        _, data, field = pointer.split("/")
        schema = EVENTS[name]["properties"][data]
        if "$ref" in schema:
            schema = SCHEMAS["common.1"]["$defs"][schema["$ref"].rpartition("/")[2]]
        assert field in schema["properties"]


def test_what_is_shipped_keeps_its_own_contracts() -> None:
    """The shipped policy, workspace file and dataset declarations."""
    assert CONTRACTS.check_policy(read_yaml(SHIPPED / "policy" / "policy.yaml")) is None
    assert CONTRACTS.check_workspace(read_yaml(SHIPPED / "gatekeeper.yaml")) is None
    datasets = sorted((SHIPPED / "datasets").glob("*.yaml"))
    assert datasets
    assert [CONTRACTS.check_dataset(read_yaml(path)) for path in datasets] == [None] * len(datasets)


ALLOWED_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a new optional field": lambda s: s["properties"]["data"]["properties"].update(note={"type": "string"}),
    "a new word in an enum": lambda s: s["properties"]["data"]["properties"]["kind"]["enum"].append("appeal"),
    "another description": lambda s: s.update(description="Said better."),
    "another order of required": lambda s: s["properties"]["data"]["required"].reverse(),
    "more personal fields": lambda s: s["x-gatekeeper"]["personal"].append("/data/claim_id"),
}
BREAKING_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a field required": lambda s: s["properties"]["data"]["required"].append("note"),
    "a field required no more": lambda s: s["properties"]["data"]["required"].remove("kind"),
    "a field gone": lambda s: s["properties"]["data"]["properties"].pop("kind"),
    "a word gone from an enum": lambda s: s["properties"]["data"]["properties"]["kind"]["enum"].remove("dispute"),
    "an enum gone": lambda s: s["properties"]["data"]["properties"]["kind"].pop("enum"),
    "a new rule for an old field": lambda s: s["properties"]["data"]["properties"]["kind"].update(maxLength=5),
    "another type": lambda s: s["properties"]["data"].update(type="array"),
    "another shared definition": lambda s: s["properties"]["data"]["properties"]["subject"].update({"$ref": "#/x"}),
    "no other fields any more": lambda s: s["properties"]["data"].update(additionalProperties=False),
    "another topic": lambda s: s["x-gatekeeper"].update(topic="content"),
}


@pytest.mark.parametrize("change", ALLOWED_CHANGES)
def test_additions_are_allowed_inside_a_major_version(change: str) -> None:
    """The compatibility test lets additive changes pass."""
    old = SCHEMAS["rights.claim.opened.1"]
    new = copy.deepcopy(old)
    ALLOWED_CHANGES[change](new)
    assert new != old
    assert list(breaks(old, new)) == []


@pytest.mark.parametrize("change", BREAKING_CHANGES)
def test_everything_else_needs_a_new_major_version(change: str) -> None:
    """The compatibility test names each change that would break a producer or a consumer."""
    old = SCHEMAS["rights.claim.opened.1"]
    new = copy.deepcopy(old)
    BREAKING_CHANGES[change](new)
    assert len(list(breaks(old, new))) == 1


def _git(*words: str) -> str | None:
    done = subprocess.run(["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("version", ["origin/main", "main", "HEAD"])
def test_schemas_only_add_to_the_version_that_others_have(version: str) -> None:
    """Against what is committed: no schema vanished, and none changed but by addition."""
    files = _git("ls-tree", "-r", "--name-only", version, "schemas/")
    if not files:
        pytest.skip(f"no schemas at {version}")
    found = []
    for file in files.splitlines():
        if not file.endswith(".schema.json") or "/metaschema/" in file:
            continue
        now = REPOSITORY / file
        if not now.exists():
            found.append(f"{file} vanished")
            continue
        old = json.loads(_git("show", f"{version}:{file}") or "{}")
        found += [f"{file}: {broken}" for broken in breaks(old, json.loads(now.read_bytes()))]
    assert found == []
