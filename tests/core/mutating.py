"""Copies of modules with one small change, living beside the originals.

Rules of this file: a mutant's text must occur exactly once, or the mutation itself is broken and says so; a copy shares
every module that is not its own package's with the tests, so values pass between the two.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

KERNEL = ("gatekeeper.core.snapshot", "gatekeeper.core.kernel")
REFERENCE = tuple(f"gatekeeper.core.{name}" for name in ("decision", "gathering", "rights", "statements"))


@dataclass(frozen=True)
class Mutant:
    """``module``: its name below ``gatekeeper.core``. ``what`` says in words what the change breaks."""

    what: str
    module: str
    old: str
    new: str

    @property
    def name(self) -> str:
        return f"gatekeeper.core.{self.module}"

    def source(self) -> str:
        spec = find_spec(self.name)
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: the text to change occurs {text.count(self.old)} times in {self.name}")
        return text.replace(self.old, self.new)


class _Mutated(MetaPathFinder, Loader):
    """Finds one module, and executes the mutant's source for it."""

    def __init__(self, mutant: Mutant) -> None:
        self._name, self._code = mutant.name, compile(mutant.source(), f"<mutant: {mutant.what}>", "exec")

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


@contextmanager
def mutated(mutant: Mutant, packages: Sequence[str], wanted: str) -> Iterator[ModuleType]:
    """The module ``wanted`` from a fresh copy of the packages in which the mutant has taken its module's place."""
    finder = _Mutated(mutant)
    own = {name: module for name, module in sys.modules.items() if name.startswith(tuple(packages))}
    for name in own:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(wanted)
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if n.startswith(tuple(packages))]:
            del sys.modules[name]
        sys.modules.update(own)
        for name, module in own.items():
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)
