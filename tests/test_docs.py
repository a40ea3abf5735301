"""What the documents say exists, and what exists is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gatekeeper.cli import main
from gatekeeper.core.decision import REASON_ORDER
from gatekeeper.core.problems import MEANING

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [p for p in ROOT.rglob("*.md") if not {".venv", "var", "node_modules", ".pytest_cache"} & set(p.parts)]


def read(name: str) -> str:
    return (ROOT / name).read_text()


def commands(group: click.Group = main, before: str = "gatekeeper") -> Iterator[str]:
    """Every command as it is typed: ``gatekeeper content append``; a group that works by itself is one, too."""
    context = click.Context(group)
    if group.invoke_without_command:
        yield before
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_readme(command: str) -> None:
    """Somebody who reads the README's table has met every command."""
    assert re.search(rf"^\| `{command}[ `\[]", read("README.md"), re.MULTILINE), (
        f"{command} is not in the README's table"
    )


def test_the_readme_names_no_command_that_is_not_there() -> None:
    """A command in the README's table can be typed."""
    named = re.findall(r"^\| `(gatekeeper [a-z -]+?)(?: [A-Z\[-][^`]*)?`", read("README.md"), re.MULTILINE)
    assert named
    assert set(named) <= set(commands())


@pytest.mark.parametrize("reason", REASON_ORDER)
def test_every_verdict_reason_is_explained(reason: str) -> None:
    """A reason code in a table can be looked up, with its verdict."""
    verdicts = re.findall(
        rf"^\| [^|]*`{re.escape(reason)}`[^|]* \| (permit|deny|hold) \|", read("docs/reasons.md"), re.MULTILINE
    )
    assert len(verdicts) == 1


@pytest.mark.parametrize("reason", sorted(MEANING))
def test_every_dead_letter_reason_is_explained(reason: str) -> None:
    """A producer can look up what to mend, in the program's own words."""
    assert f"| `{reason}` | {MEANING[reason]} |" in read("docs/reasons.md")


def test_no_reason_is_explained_that_does_not_exist() -> None:
    """The document has no code that the program does not give."""
    listed = re.findall(
        r"`([a-z0-9_]+(?:\.[a-z0-9_-]+)?)`",
        "".join(re.findall(r"^\| (`[^|]*) \|", read("docs/reasons.md"), re.MULTILINE)),
    )
    assert set(listed) == set(REASON_ORDER) | set(MEANING)


def test_every_topic_is_documented() -> None:
    """Each topic that must exist is named in the README."""
    for topic in json.loads(read("schemas/topics.json"))["topics"]:
        assert f"`{topic['topic']}`" in read("README.md")


def test_documented_doors_are_in_the_makefile() -> None:
    """Every `make x` in a document can be typed, and every door has a line of help."""
    doors = set(re.findall(r"^([a-z0-9-]+):.*## ", read("Makefile"), re.MULTILINE))
    named = {
        door for path in DOCUMENTS for door in re.findall(r"(?:^|`)make ([a-z0-9-]+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= doors
    phony = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) - doors == {"java"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link in a document leads to a file of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text())
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing


def test_the_map_of_the_package_names_files_that_exist() -> None:
    """Each file and folder in gatekeeper/README.md is where the map says."""
    named = re.findall(r"`((?:\.\./)?[a-z_]+(?:/[a-z_.]*)+|[a-z_]+\.(?:py|yaml))`", read("gatekeeper/README.md"))
    assert len(named) > 20
    assert [path for path in named if not (ROOT / "gatekeeper" / path).exists()] == []


def test_locks_name_no_host() -> None:
    """A lock file says what, not from where: every machine asks its own index."""
    for name in ("requirements.lock", "requirements-light.lock"):
        lock = read(name)
        assert "--hash=sha256:" in lock
        assert not re.search(r"://|--(extra-)?index-url|--find-links", lock)
