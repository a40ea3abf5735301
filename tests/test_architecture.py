"""Who may import whom (design §8), read from the source: no module has to be imported for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gatekeeper"

PURE = frozenset({"numpy", "pyarrow", "orjson", "jsonschema_rs"})
"""Libraries that turn values into values."""
NOT_PURE = frozenset(
    {"os", "io", "socket", "subprocess", "shutil", "tempfile", "threading", "asyncio", "urllib.request"}
)
"""Parts of the standard library that ``core`` has no use for: files, network, processes, threads."""
CLOCKS = frozenset({"time", "datetime.now", "datetime.utcnow", "date.today"})

MAY_IMPORT = {
    "core": {"core", "evidence", "errors"},
    "evidence": {"evidence", "core", "errors"},
    "stages": {"stages", "core", "evidence", "errors", "ports"},
    "edges": {"edges", "core", "errors", "ports", "config"},
    "cli": {"cli", "wiring", "stages", "edges", "core", "evidence", "errors", "config", "clock", "ports"},
    "ports": {"core", "errors"},
    "config": {"config", "core", "edges", "errors"},
    "errors": set(),
    "airflow": {"airflow", "errors", "wiring"},
    "loading": {"config", "core", "edges", "errors", "stages"},
}
"""Part of the package → the parts it may import. ``wiring`` is not here: it alone may pair everything; ``loading``
pairs what reads a release, because its users have no workspace.
"""

CLI_EDGES = frozenset({"gatekeeper.edges.metrics", "gatekeeper.edges.catalogue_files"})
"""Edges a command may name: a counter to serve, and a type of what it shows progress of."""

LINES_MAX = 250
"""The aim is about 150; from here on a module is split, or named below."""
LONGER: dict[str, str] = {"config.py": "every setting of gatekeeper.yaml, read and refused in one place"}
"""Modules above ``LINES_MAX`` and why each is better in one piece. Remove a line when its module has been split."""


def modules(folder: Path = PACKAGE) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def part_of(name: str) -> str:
    """``gatekeeper.core.times`` → ``core``."""
    return name.split(".")[1] if "." in name else ""


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each absolute module name a file imports, and whether that happens inside a function."""
    tree = ast.parse(path.read_bytes())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            for alias in node.names:
                both = node.module == "gatekeeper"
                yield (f"gatekeeper.{alias.name}" if both else str(node.module)), id(node) in inside


def of_part(part: str) -> list[Path]:
    single = PACKAGE / f"{part}.py"
    return [single] if single.exists() else list(modules(PACKAGE / part))


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_parts_import_only_what_they_may(part: str) -> None:
    """core knows core and errors, stages and edges know core, and neither of the two knows the other."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in of_part(part)
        for name, _ in imports(path)
        if name.startswith("gatekeeper.") and part_of(name) not in MAY_IMPORT[part] and name != "gatekeeper.__version__"
    ]
    assert not wrong, "\n".join(wrong)


def test_every_part_of_the_package_has_a_rule() -> None:
    """A new folder or module at the top of the package says here what it may import."""
    parts = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p.is_dir() and (p / "__init__.py").exists())}
    assert parts - {"__init__", "__main__", "clock"} <= MAY_IMPORT.keys() | {"wiring"}


def test_core_is_pure() -> None:
    """core imports pure parts of the standard library, numpy, pyarrow, pure data libraries: no file, socket, clock."""
    wrong = []
    for path in of_part("core"):
        for name, _ in imports(path):
            top = name.partition(".")[0]
            if top != "gatekeeper" and (name in NOT_PURE | CLOCKS or top not in PURE | STANDARD):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_no_rule_reads_the_clock() -> None:
    """Time is an argument: nothing in core or stages asks what time it is."""
    asks = {"time.time", "time.time_ns", *CLOCKS}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}()"
        for path in [*of_part("core"), *of_part("stages")]
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asks
    ]
    assert not wrong, "\n".join(wrong)


def test_commands_leave_the_hands_to_wiring() -> None:
    """A command opens no log and no table itself."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in of_part("cli")
        for name, _ in imports(path)
        if name.startswith("gatekeeper.edges") and name not in CLI_EDGES
    ]
    assert not wrong, "\n".join(wrong)


def test_schedules_import_gatekeeper_only_inside_tasks() -> None:
    """Airflow reads its files over and over: but for what a DAG is made of, gatekeeper is imported when a task runs."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name} at the top"
        for path in modules(ROOT / "dags")
        for name, inside in imports(path)
        if name.startswith("gatekeeper") and not name.startswith("gatekeeper.airflow.") and not inside
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_stay_short() -> None:
    """A module that has grown long is split, or says why it is better in one piece."""
    lengths = {str(p.relative_to(PACKAGE)): len(p.read_text().splitlines()) for p in modules()}
    long = {name: length for name, length in lengths.items() if length > LINES_MAX}
    assert long.keys() <= LONGER.keys(), {n: long[n] for n in long.keys() - LONGER.keys()}
    assert LONGER.keys() <= long.keys(), f"no longer long: {sorted(LONGER.keys() - long.keys())}"


STANDARD = frozenset(__import__("sys").stdlib_module_names)
