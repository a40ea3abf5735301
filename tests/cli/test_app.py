"""What every command promises: errors, exit codes, and the options they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper.cli import main
from gatekeeper.cli.app import COMMANDS
from tests.cli.conftest import Desk


def test_a_folder_that_is_no_workspace_is_wrong_use_and_says_what_to_do(tmp_path: Path) -> None:
    """No workspace: exit 2, one clear line, and how to name or make one."""
    answer = Desk(tmp_path).run("status")
    assert answer.code == 2
    assert "is not a workspace" in answer.err
    assert "gatekeeper init DIR" in answer.err
    assert "Traceback" not in answer.err


def test_an_unknown_setting_is_refused(bare: Desk) -> None:
    """A setting nobody knows is a typing mistake: it is never ignored."""
    bare.write("gatekeeper.yaml", "limits:\n  event_byte_max: 5\n")
    answer = bare.run("status")
    assert answer.code == 2
    assert "event_byte_max" in answer.err


def test_bad_yaml_names_file_and_line(bare: Desk) -> None:
    """A file that cannot be read is named with the line to mend."""
    bare.write("policy/policy.yaml", "purposes:\n  service:\n  service:\n")
    answer = bare.run("apply")
    assert answer.code == 2
    assert "policy.yaml line 3" in answer.err
    assert "stands twice" in answer.err


def test_an_unexpected_error_is_no_traceback(bare: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw ends in one line and exit 3; --debug shows where it arose."""

    def broken(*_: object) -> None:
        raise RuntimeError("the moon")

    monkeypatch.setattr("gatekeeper.wiring.status", broken)
    answer = bare.run("status")
    assert (answer.code, "RuntimeError: the moon" in answer.err, "Traceback" in answer.err) == (3, True, False)
    with pytest.raises(RuntimeError, match="the moon"):
        bare.run("status", "--debug")


def test_with_json_an_error_is_an_object_on_the_last_line(tmp_path: Path) -> None:
    """Machines read what went wrong where they read the answer."""
    answer = Desk(tmp_path).run("holds", "--json")
    assert answer.code == 2
    assert answer.json["exit_code"] == 2
    assert "is not a workspace" in answer.json["error"]
    assert answer.json["what_to_do"]


def test_wrong_use_with_json_is_an_object_too(bare: Desk) -> None:
    """A missing argument as well."""
    answer = bare.run("--json", "explain", "song")
    assert (answer.code, answer.json["exit_code"]) == (2, 2)


def test_shared_options_count_before_and_after_the_command(bare: Desk) -> None:
    """``--workspace`` and ``--json`` mean the same on either side of the command's name."""
    before = bare.run("--json", "--workspace", bare.root, "apply", "--dry-run", workspace=False)
    after = bare.run("apply", "--dry-run", "--workspace", bare.root, "--json", workspace=False)
    assert before == after
    assert before.json["changes"]


def test_the_workspace_comes_from_the_environment_or_the_current_folder(
    bare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GATEKEEPER_WORKSPACE names it; without it the current folder serves where it holds gatekeeper.yaml."""
    monkeypatch.setenv("GATEKEEPER_WORKSPACE", str(bare.root))
    assert bare.run("holds", workspace=False).code == 0
    monkeypatch.delenv("GATEKEEPER_WORKSPACE")
    assert bare.run("holds", workspace=False).code == 2
    monkeypatch.chdir(bare.root)
    assert bare.run("holds", workspace=False).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Each listed command loads and has help."""
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.stdout


def test_help_lists_every_command() -> None:
    """The overview names them all."""
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert [name for name in COMMANDS if name not in shown] == []


def test_the_shipped_settings_keep_their_contract(bare: Desk) -> None:
    """The shipped gatekeeper.yaml is valid against the published schema, and means the defaults."""
    from gatekeeper.config import Limits, read_workspace
    from gatekeeper.core.contracts import contracts_of
    from gatekeeper.edges.shipped import read_schemas
    from gatekeeper.edges.yaml_files import read_yaml

    document = read_yaml(bare.root / "gatekeeper.yaml")
    assert contracts_of(read_schemas()).check_workspace(document) is None
    assert read_workspace(bare.root).limits == Limits()
    assert json.dumps(document)
