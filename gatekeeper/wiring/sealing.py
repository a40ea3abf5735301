"""The keys that gatekeeper.yaml names: who signs recalls, and whose signature is trusted."""

from __future__ import annotations

from types import ModuleType

from gatekeeper.errors import BadInput
from gatekeeper.stages.recall.writing import Seals
from gatekeeper.stages.release_reading import Unsealed
from gatekeeper.wiring.workspace import OpenWorkspace


def seals_of(opened: OpenWorkspace) -> Seals | None:
    """The configured key, None where recalls are not signed. Raises ``BadInput`` for a key that is none."""
    signing = opened.workspace.signing
    if signing.private_key is None:
        return None
    return _signing().sealer(signing.private_key, signing.public_keys)


def unsealed_of(opened: OpenWorkspace) -> Unsealed | None:
    """How a reader opens envelopes, None where no key is configured."""
    signing = opened.workspace.signing
    if not signing.wanted:
        return None
    if signing.private_key is not None:
        return _signing().sealer(signing.private_key, signing.public_keys).unseal
    return _signing().opener(signing.public_keys).unseal


def _signing() -> ModuleType:
    try:
        from gatekeeper.edges import signing
    except ImportError as missing:
        raise BadInput(f"signed recalls need {missing.name}", "pip install 'gatekeeper[signing]'") from missing
    return signing
