"""A new workspace in a folder: shipped files are copied in, nothing that exists is ever changed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from gatekeeper.config import CONFIG_FILE, Workspace
from gatekeeper.errors import BadInput, Unavailable

_AGREEMENTS = """\
# Agreements

Keep here what separate agreements rest on: signed documents, and their terms as `rights.agreement.signed` events.
No decision reads this folder. An agreement counts from the moment its event is on the rights log:

    gatekeeper rights append agreements/label.jsonl
"""


def make_workspace(root: Path, *, bare: bool) -> Workspace:
    """Files and empty logs. Raises ``BadInput`` where a file is in the way, before anything is written."""
    workspace = Workspace(root.absolute())
    files = list(_files(workspace, bare=bare))
    if in_the_way := [path for path, content in files if path.exists() and path.read_bytes() != content]:
        listed = ", ".join(str(path.relative_to(workspace.root)) for path in in_the_way)
        raise BadInput(f"{root} already holds {listed}", "name a new folder; what exists is never overwritten")
    try:
        for path, content in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        workspace.declarations.mkdir(exist_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot make a workspace in {root}: {error}", "name a folder you may write to") from error
    return workspace


def _files(workspace: Workspace, *, bare: bool) -> Iterator[tuple[Path, bytes]]:
    """gatekeeper.yaml last: a folder that was left half made is no workspace yet, and ``init`` may finish it."""
    shipped = files("gatekeeper") / "shipped"
    yield workspace.policy_file, (shipped / "policy" / "policy.yaml").read_bytes()
    yield workspace.agreements / "README.md", _AGREEMENTS.encode()
    if not bare:
        yield workspace.terms_file, (shipped / "policy" / "terms.yaml").read_bytes()
        for declaration in sorted((shipped / "datasets").iterdir(), key=lambda file: file.name):
            yield workspace.declaration_file(declaration.name.removesuffix(".yaml")), declaration.read_bytes()
    yield workspace.log_file("content"), b""
    yield workspace.log_file("rights"), b""
    yield workspace.root / CONFIG_FILE, (shipped / CONFIG_FILE).read_bytes()
