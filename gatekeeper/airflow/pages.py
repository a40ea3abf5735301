"""The pages of the rights review, from what ``gatekeeper --json review`` and ``explain`` answer. Pure: values → HTML.

Rules of this file: every text is escaped by the template engine, none is marked as safe; no script, no inline style;
what a colour shows, a word, a sign or a pattern shows as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from gatekeeper.airflow.shares import flow

NO_ANSWER = {"required": ("waiting", "… waiting for a person"), "none": ("none", "nobody has to approve")}
LAYERS = {
    "claim": "claims",
    "agreement": "agreements",
    "wishes": "wishes and reservations",
    "title": "rightsholder roles",
    "none": "nobody gave permission",
}
"""Layers as people say them."""


def place(root: str, dag_id: str, run_id: str) -> str:
    """Where the review of a run is."""
    return f"{root}/review/{quote(dag_id, safe='')}/{quote(run_id, safe='')}"


def review_page(answer: Mapping[str, Any], root: str, dag_id: str, run_id: str) -> str:
    """``answer`` is that of ``review``; ``root`` the prefix the pages are served under."""
    facts = answer["facts"]
    dataset, _, version = answer["build"].partition("@")
    standing, quality, difference = facts["standing"], facts["quality"], facts["difference"]
    named = _Names(facts["names"])
    here = place(root, dag_id, run_id)
    state, text = _answer(facts)
    moved = (facts["rights_end"] or 0) - facts["basis"]["rights_position"]
    return _render(
        "review.html",
        title=f"Rights review of {answer['build']}",
        root=root,
        dag_id=dag_id,
        dataset=dataset,
        version=version,
        build=answer["build"],
        manifest=answer["manifest"],
        rows=answer["rows"],
        quality=quality,
        quality_state="missing" if quality is None else "passed" if quality["passed"] else "blocked",
        answer_state=state,
        answer_text=text,
        moved=max(0, moved),
        summary=_summary(answer["rows"], standing),
        flow=flow(answer["rows"], facts["counts"]["refused"], standing),
        permitted=_largest(facts["counts"]["permitted"]),
        by_layer=[(LAYERS.get(name, name), count) for name, count in _largest(standing and standing["by_layer"])],
        by_reason=_largest(standing and standing["by_reason"]),
        by_holder=_largest(standing and standing["by_holder"]),
        left_out=named.in_groups(facts["left_out"]),
        refused=named.in_groups(standing["refused"] if standing else ()),
        held=named.in_groups(standing["held"] if standing else ()),
        difference=difference and {**difference, "groups": named.in_groups(difference["groups"])},
        came=_rows(difference, "in"),
        went=_rows(difference, "out"),
        last=facts["last"],
        basis=_basis(answer, facts),
        explain_action=f"{here}/explain",
        explain_url=lambda asset: f"{here}/explain?{urlencode({'asset': asset})}",
    )


def explain_page(answer: Mapping[str, Any], root: str, back: str) -> str:
    """``answer`` is that of ``explain``."""
    evidence = [("evidence", answer["evidence"]), ("decided at", answer["decided_at"]), ("policy", answer["policy"])]
    event, use = answer["event"], answer["use"]
    where = ", ".join(use["territories"]) or "worldwide"
    facts = [
        ("asset", answer["asset_id"]),
        ("use", f"{use['purpose']}, {where}, {use['model'] or 'any model'}"),
        *evidence,
        ("event", f"{event['type']} {event['event_id']}, partition {event['partition']}, offset {event['offset']}"),
    ]
    return _render(
        "explain.html",
        title=f"Why {answer['asset_id']}",
        root=root,
        back=back,
        asset_id=answer["asset_id"],
        told_title=answer["title"],
        artists=answer["artists"],
        dataset=answer["dataset"],
        rights_position=answer["rights_position"],
        verdict_name=answer["verdict"],
        reason=answer["reason"],
        holder=answer["holder"],
        recorded=answer["recorded"],
        recorded_differs=answer["recorded_differs"],
        advice=answer["what_would_change_it"],
        interests=answer["interests"],
        facts=facts,
        sources={name: json.dumps(source, indent=2, ensure_ascii=False) for name, source in answer["sources"].items()},
    )


def message_page(
    title: str, text: str, root: str, dag_id: str, tasks: Sequence[tuple[str, str | None]] = (), back: str = ""
) -> str:
    """Where there is nothing to review (yet): what is so, and what to do."""
    return _render("message.html", title=title, text=text, root=root, dag_id=dag_id, tasks=tasks, back=back)


class _Names:
    """Examples of groups with the titles people know them by."""

    def __init__(self, names: Mapping[str, Mapping[str, Any]]) -> None:
        self._names = names

    def in_groups(self, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**group, "examples": [self._of(asset) for asset in group["examples"]]} for group in groups]

    def _of(self, asset: str) -> dict[str, Any]:
        known = self._names.get(asset, {})
        return {"asset_id": asset, "title": known.get("title", ""), "artists": known.get("artists", ())}


def _answer(facts: Mapping[str, Any]) -> tuple[str, str]:
    published, approval = facts["published"], facts["approval"]
    if published is not None:
        by = f", approved by {published['approval']['by']}" if published["approval"] else ""
        return "published", f"✓ published at {published['instant'][:16].replace('T', ' ')}{by}"
    if approval is not None:
        said = ("approved", "✓ approved") if approval["approved"] is True else ("rejected", "✕ rejected")
        return said[0], f"{said[1]} by {approval['by']}: {approval['because']}"
    return NO_ANSWER["none" if facts["declaration"].get("approval") == "none" else "required"]


def _summary(rows: int, standing: Mapping[str, Any] | None) -> str:
    if standing is None:
        return f"{rows:,} recordings may go in."
    refused, held = standing["verdicts"].get("deny", 0), standing["verdicts"].get("hold", 0)
    told = f"Of {standing['assets']:,} recordings that came in, this candidate holds {rows:,}."
    return f"{told} {refused:,} are refused, {held:,} wait for somebody who knows."


def _largest(counts: Mapping[str, int] | None) -> list[tuple[str, int]]:
    return sorted((counts or {}).items(), key=lambda item: (-item[1], item[0]))


def _rows(difference: Mapping[str, Any] | None, way: str) -> int:
    return sum(group["rows"] for group in difference["groups"] if group["way"] == way) if difference else 0


def _basis(answer: Mapping[str, Any], facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    declaration, basis = facts["declaration"], facts["basis"]
    return [
        ("purpose", declaration["purpose"]),
        ("territories", ", ".join(declaration.get("territories") or ()) or "worldwide"),
        ("model", declaration.get("model") or "any"),
        ("owner", declaration.get("owner") or "nobody is named"),
        ("description", declaration.get("description") or "none"),
        ("rights position", f"{basis['rights_position']} (the log ends at {_known(facts['rights_end'])})"),
        ("decided at", basis["instant"]),
        ("terms in force", basis["terms"] or "none"),
        ("policy", basis["policy"]),
        ("manifest", answer["manifest"]),
        ("tables", ", ".join(f"{name} {version}" for name, version in sorted(basis["tables"].items()))),
    ]


def _known(end: int | None) -> str:
    return "a place nobody can ask for now" if end is None else str(end)


@cache
def _environment() -> Environment:
    loader = PackageLoader("gatekeeper.airflow")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["number"] = lambda value: f"{value:,}"
    return made


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)
