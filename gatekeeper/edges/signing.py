"""Signatures of recalls: DSSE envelopes (github.com/secure-systems-lab/dsse) with Ed25519 keys, by securesystemslib.

Ed25519 signs the same bytes the same way, so that whoever seals a recall again makes the same envelope.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from gatekeeper.errors import BadInput

PAYLOAD_TYPE = "application/vnd.gatekeeper.recall+json"


@dataclass(frozen=True)
class Opener:
    """Opens envelopes that one of these keys signed."""

    keys: Sequence[SSlibKey]

    def unseal(self, envelope: bytes) -> bytes | None:
        """The signed bytes, None where no trusted key signed them. Never raises."""
        try:
            sealed = Envelope.from_dict(json.loads(envelope))
            if sealed.payload_type != PAYLOAD_TYPE:
                return None
            sealed.verify(list(self.keys), 1)
        except (ValueError, TypeError, KeyError, AttributeError, VerificationError):
            return None
        return bytes(sealed.payload)


@dataclass(frozen=True)
class Sealer(Opener):
    """Signs, and trusts its own key as well."""

    signer: CryptoSigner

    def seal(self, data: bytes) -> bytes:
        """Bytes → an envelope with them and their signature."""
        envelope = Envelope(data, PAYLOAD_TYPE, {})
        envelope.sign(self.signer)
        return (json.dumps(envelope.to_dict(), sort_keys=True) + "\n").encode()


def opener(public_keys: Sequence[Path]) -> Opener:
    """PEM files of Ed25519 public keys. Raises ``BadInput``."""
    return Opener([_public(path) for path in public_keys])


def sealer(private_key: Path, public_keys: Sequence[Path]) -> Sealer:
    """PEM file of an Ed25519 private key, and the public keys that are trusted besides. Raises ``BadInput``."""
    key = _loaded(private_key, lambda data: load_pem_private_key(data, None))
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(private_key, "it holds no Ed25519 private key")
    signer = CryptoSigner(key)
    return Sealer([signer.public_key, *(_public(path) for path in public_keys)], signer)


def _public(path: Path) -> SSlibKey:
    key = _loaded(path, load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "it holds no Ed25519 public key")
    return SSlibKey.from_crypto(key)


def _loaded(path: Path, load):  # type: ignore[no-untyped-def]
    try:
        return load(path.read_bytes())
    except OSError as problem:
        raise _no_key(path, str(problem)) from problem
    except (ValueError, TypeError) as problem:
        raise _no_key(path, f"it is no PEM file without a password: {problem}") from problem


def _no_key(path: Path, why: str) -> BadInput:
    do = "openssl genpkey -algorithm ed25519 -out recalls.key && openssl pkey -in recalls.key -pubout -out recalls.pub"
    return BadInput(f"the key {path} cannot be used: {why}", do)
