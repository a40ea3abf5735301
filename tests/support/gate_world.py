"""A workspace with its logs, producers that keep sending, gates that come and go, and what the oracle finds in it."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from gatekeeper.edges.jsonl_writer import JsonlLogWriter
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.edges.rules_files import read_terms
from gatekeeper.stages.terms import terms_events
from gatekeeper.wiring import apply, open_workspace, plan, system_clock_us
from tests.support.feed import Feed, Sent
from tests.support.gate_process import Gate, Plan
from tests.support.oracle import check
from tests.support.raw_logs import Record, file_records, is_valid
from tests.support.replayed import Replayed
from tests.support.truth import Place, Truth

LIMITS = {"batch_rows_max": 40, "patience_s": 10}
"""Small batches, so that there is something between them; an outage ends a gate while a test still waits for it."""
_PACE_S = 0.03


class World:
    """Either log; ``config`` is gatekeeper.yaml. Records are sent by one thread at a time."""

    keyed = True

    def __init__(self, folder: Path, seed: int, config: dict[str, Any]) -> None:
        self.root, self.seed = folder / "ws", seed
        self.feed = Feed(random.Random(seed), keyed=self.keyed)
        self.fresh_from: dict[Place, int] = {}
        self.rights_end = 0
        self._bad: set[tuple[bytes | None, bytes | None]] = set()
        self._gates: list[Gate] = []
        make_workspace(self.root, bare=False)
        self._config = config
        self.configure()
        opened = open_workspace(self.root, folder, system_clock_us)
        with closing(opened.writer("rights")) as log:
            log.append((None, event) for event in terms_events(read_terms(opened.workspace.terms_file), 0))
        apply(opened, plan(opened))
        self.rights_end = opened.rights(opened.policy()).position

    def configure(self, **limits: int) -> None:
        """gatekeeper.yaml for the gates to come; ``limits`` in place of ours."""
        document = {**self._config, "limits": {**LIMITS, **limits}}
        (self.root / "gatekeeper.yaml").write_text(yaml.safe_dump(document))

    # what producers do

    def send(self, content: int, rights: int = 0) -> None:
        """Rights events, acknowledged, then content events, acknowledged."""
        if rights:
            self.rights_end = 1 + max(self.send_rights(self.feed.rights(rights)))
        for sent, place in self.send_content(self.feed.content(content)):
            self.fresh_from[place] = self.rights_end
            if sent.bad:
                self._bad.add((sent.key if self.keyed else None, sent.value))

    def send_content(self, records: Sequence[Sent]) -> list[tuple[Sent, Place]]:
        raise NotImplementedError

    def send_rights(self, values: Sequence[bytes]) -> list[int]:
        raise NotImplementedError

    @contextmanager
    def feeding(self, content: int, rights: int) -> Iterator[None]:
        """A producer keeps sending so many at a time meanwhile; its error, if any, is raised at the end."""
        ending, errors = threading.Event(), []

        def keep_sending() -> None:
            try:
                while not ending.wait(_PACE_S):
                    self.send(content, rights)
            except BaseException as error:  # noqa: BLE001 (raised by the thread that waits)
                errors.append(error)

        thread = threading.Thread(target=keep_sending, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()
        if errors:
            raise errors[0]

    # gates

    def gate(self, **how: Any) -> Gate:
        """Start a gate; ``how`` as in ``Plan``."""
        gate = Gate(Plan(self.root, **how), self.root.parent / f"gate-{len(self._gates)}.txt")
        self._gates.append(gate)
        return gate

    def drain(self) -> None:
        """A fresh gate decides and folds all there is."""
        gate = self.gate(drain=True, group=f"drain-{uuid.uuid4().hex}")
        assert gate.wait() == 0, gate.words

    @property
    def kills(self) -> int:
        """Gates that ended by ``kill -9``."""
        return sum(gate.killed for gate in self._gates)

    def close(self) -> None:
        for gate in self._gates:
            with suppress(ProcessLookupError):
                gate.kill()

    # what is true in the end

    def content_log(self) -> list[Record]:
        raise NotImplementedError

    def rights_log(self) -> list[Record]:
        raise NotImplementedError

    def violations(self) -> list[str]:
        """What the oracle finds, and where it and the feed do not agree on what is bad."""
        truth = Truth(self.content_log(), self.rights_log(), self.keyed, self.fresh_from)
        judged = [r for r in truth.content if is_valid(r, keyed=self.keyed) == ((r.key, r.value) in self._bad)]
        found = [f"the oracle and the feed judge it differently: {r}" for r in judged]
        return found + check(self.root / "lake", truth, Replayed(self.root))


class FileWorld(World):
    """Embedded: both logs are files of the workspace."""

    keyed = False

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed, {"log": "files"})

    def send_content(self, records: Sequence[Sent]) -> list[tuple[Sent, Place]]:
        first = self._append("content", [sent.value or b"" for sent in records])
        return [(sent, (0, first + i)) for i, sent in enumerate(records)]

    def send_rights(self, values: Sequence[bytes]) -> list[int]:
        first = self._append("rights", values)
        return list(range(first, first + len(values)))

    def _append(self, log: str, values: Sequence[bytes]) -> int:
        with closing(JsonlLogWriter(self.root / "log" / f"{log}.jsonl")) as writer:
            [appended] = writer.append((None, value) for value in values)
        return appended.first

    def content_log(self) -> list[Record]:
        return file_records(self.root / "log" / "content.jsonl")

    def rights_log(self) -> list[Record]:
        return file_records(self.root / "log" / "rights.jsonl")
