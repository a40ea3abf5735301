"""Imported once by the server that forks gates: everything a gate needs, and nothing that starts a thread."""

import gatekeeper.edges.kafka_content
import gatekeeper.edges.kafka_rights
import gatekeeper.wiring.gate  # noqa: F401
import tests.support.gate_process  # noqa: F401
