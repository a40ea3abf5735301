"""``croissant.json`` of a release: metadata that machine learning tools read (Croissant 1.1, mlcommons.org/croissant).

``usageInfo`` is an ODRL offer (W3C ODRL Information Model 2.2): what the release may be used for. A function of the
candidate's manifest.
"""

from __future__ import annotations

import json
from typing import Any

from gatekeeper.core.manifest import DATA, Manifest
from gatekeeper.core.media import MEDIA

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"string": "sc:Text", "int32": "sc:Integer", "int64": "sc:Integer", "timestamp[us, tz=UTC]": "sc:Date"}
_MEDIA_FILES = {
    "@type": "cr:FileSet",
    "@id": "media",
    "name": "media",
    "description": "The rows' own recordings, each named by the SHA-256 of its bytes; media.jsonl says whose it is.",
    "encodingFormat": "audio/*",
    "includes": f"{MEDIA}/*/*",
}
_LISTS = ("list<element: string>", "list<item: string>")


def croissant(manifest: Manifest) -> bytes:
    """The bytes of the file. Columns of structures have no Croissant type and are left to the Parquet schema."""
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": manifest.dataset,
        "version": manifest.version,
        "description": str(manifest.declaration.get("description") or manifest.dataset),
        "creator": {"@type": "sc:Organization", "name": str(manifest.declaration.get("owner") or "not named")},
        "url": f"urn:gatekeeper:release:{manifest.dataset}:{manifest.version}",
        "license": "other",
        "citeAs": f"{manifest.dataset}, release {manifest.version}",
        "datePublished": manifest.basis.instant,
        "isLiveDataset": False,
        "usageInfo": _offer(manifest),
        "distribution": _distribution(manifest),
        "recordSet": [_records(manifest)],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _offer(manifest: Manifest) -> dict[str, Any]:
    """Permitted: to use it for this purpose. What is not permitted is not offered."""
    rules: list[tuple[str, str, object]] = [("purpose", "isA", manifest.purpose)]
    if manifest.territories:
        rules.append(("spatial", "isAnyOf", list(manifest.territories)))
    if manifest.model:
        rules.append(("recipient", "eq", manifest.model))
    constraints = [
        {
            "@type": "odrl:Constraint",
            "odrl:leftOperand": {"@id": f"odrl:{left}"},
            "odrl:operator": {"@id": f"odrl:{operator}"},
            "odrl:rightOperand": right,
        }
        for left, operator, right in rules
    ]
    target = f"urn:gatekeeper:release:{manifest.dataset}:{manifest.version}"
    permission = {
        "odrl:target": {"@id": target},
        "odrl:action": {"@id": "odrl:use"},
        "odrl:constraint": constraints,
    }
    return {"@type": "odrl:Offer", "@id": f"{target}:offer", "odrl:permission": [permission]}


def _distribution(manifest: Manifest) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": entry.path,
            "name": entry.path,
            "contentUrl": entry.path,
            "contentSize": f"{entry.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": entry.sha256,
        }
        for entry in manifest.files
        if entry.path.startswith(f"{DATA}/")
    ]
    parts = {
        "@type": "cr:FileSet",
        "@id": "parts",
        "name": "parts",
        "encodingFormat": "application/x-parquet",
        "includes": f"{DATA}/*.parquet",
    }
    return [*objects, parts, *([_MEDIA_FILES] if manifest.media is not None else [])]


def _records(manifest: Manifest) -> dict[str, Any]:
    fields = [_field(name, kind) for name, kind in manifest.schema.items() if kind in _TYPES or kind in _LISTS]
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": "One row per asset, each with a permit.",
        "key": {"@id": "rows/asset_id"},
        "field": fields,
    }


def _field(name: str, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"rows/{name}",
        "name": name,
        "dataType": _TYPES.get(kind, "sc:Text"),
        "source": {"fileSet": {"@id": "parts"}, "extract": {"column": name}},
    }
    return made | {"repeated": True} if kind in _LISTS else made
