"""``check`` with real edges: the candidate's folder, the lake, the rights log at its end, Great Expectations."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from gatekeeper.core.check_frames import Released
from gatekeeper.core.layout import CATALOG, DECISIONS, Release, build, parse_name
from gatekeeper.core.manifest import DATA, MANIFEST, read_manifest
from gatekeeper.core.quality import Results, results_bytes
from gatekeeper.core.release_names import LATEST
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.edges.checked_folder import CheckedFolder, released_ids
from gatekeeper.edges.suite_files import suite_for
from gatekeeper.errors import BadInput, NotApplied
from gatekeeper.stages.check import Check, Known, Now
from gatekeeper.stages.check_known import Nothing, last_decisions, stopped_by_claim, without_permit
from gatekeeper.stages.check_media import MediaIndex
from gatekeeper.stages.check_rows import RefusedIdentities, RowJudge
from gatekeeper.stages.decide import chosen
from gatekeeper.stages.gate.barrier import Decides
from gatekeeper.stages.media_index import media_lines
from gatekeeper.wiring.gate import compile_kernel
from gatekeeper.wiring.questions import Asked, instant_of
from gatekeeper.wiring.releasing import store_of
from gatekeeper.wiring.workspace import OpenWorkspace

if TYPE_CHECKING:
    from gatekeeper.stages.release_ports import ReleaseStore

RESULTS_FILE, DOCS_FILE = "results.json", "docs/index.html"


def check(opened: OpenWorkspace, name: str, seen: Callable[[int, int], None] = lambda _done, _all: None) -> Results:
    """Check the candidate ``dataset@version`` and keep results and page with it. ``seen`` is told rows done, of all.

    Raises ``BadInput`` for no such candidate or a broken suite, ``Unavailable``: then no result is left.
    """
    dataset, version = _parsed(name)
    folder = CheckedFolder(opened.workspace.root, dataset, version)
    folder.forget_results()
    suite = suite_for(opened.workspace.root, dataset)
    from gatekeeper.edges.data_docs import page
    from gatekeeper.edges.expectations import GreatExpectations

    validator = GreatExpectations(suite.expectations)
    now, kernel = _now(opened, dataset)
    decisions = last_decisions(opened.table(DECISIONS), dataset)
    catalogue = opened.table(CATALOG) or Nothing(CONTENT_SCHEMA)
    refused = RefusedIdentities.of(stopped_by_claim(decisions), catalogue)
    judge = RowJudge(dataset, catalogue, kernel, refused, suite.screening, _media(folder))
    known = partial(_known, opened, dataset, without_permit(decisions))
    done = Check(folder, suite, validator, now, known, judge, lambda rows: seen(rows, folder.manifest.rows)).run()
    folder.write_quality(DOCS_FILE, page(done, suite.expectations))
    folder.write_quality(RESULTS_FILE, results_bytes(done))
    return done


def _media(folder: CheckedFolder) -> MediaIndex | None:
    totals = folder.manifest.media
    return None if totals is None else MediaIndex(totals, lambda: media_lines(folder.manifest, folder.media_lines()))


def _parsed(name: str) -> tuple[str, str]:
    try:
        return parse_name(name)
    except ValueError as problem:
        raise BadInput(f"{name!r} is not a build", "name it as `gatekeeper build` did: dataset@version") from problem


def _now(opened: OpenWorkspace, dataset: str) -> tuple[Now, Decides]:
    """Active rules and the kernel at the end of the rights log. Raises ``NotApplied``, ``BadInput``."""
    rules = opened.rules()
    rights = opened.rights(rules.policy)
    if rules.active != rights.register.active:
        what = "the workspace's policy or datasets differ from what the rights log says is active"
        raise NotApplied(what, "run gatekeeper apply")
    mine = chosen(rules, [dataset])
    instant_us = instant_of(opened, Asked(), rights)
    kernel = compile_kernel(mine, rights.events, rights.position, instant_us)
    kernel.at(instant_us)
    return Now(rules.policy.digest, mine.declarations[0], rights.position, instant_us), kernel


def _known(opened: OpenWorkspace, dataset: str, not_permitted: pa.Array) -> Known:
    return Known(not_permitted, _released(store_of(opened), dataset))


def _released(store: ReleaseStore, dataset: str) -> Released | None:
    """The dataset's last release. Raises ``ValueError`` where what ``latest`` names cannot be read."""
    latest = store.read(f"{dataset}/{LATEST}")
    if latest is None:
        return None
    folder = build(Release(dataset, json.loads(latest)["version"])).partition("/")[2]
    data = store.read(f"{folder}/{MANIFEST}")
    if data is None:
        raise ValueError("the last release has no manifest")
    manifest = read_manifest(data)
    parts = [f"{folder}/{file.path}" for file in manifest.files if file.path.startswith(f"{DATA}/")]
    return Released(manifest, lambda: released_ids(store.files.open_input_file, parts))
