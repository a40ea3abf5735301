"""Which reader reads which vocabulary, and the one way in.

Rules of this file: a reader is asked through ``read_reservation`` only, which bounds, remembers and, where a library
raises what nobody expected, holds. A vocabulary without a reader is unclear.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from gatekeeper.evidence.aipref import AIPREF_TERMS, read_aipref
from gatekeeper.evidence.content_signal import CONTENT_SIGNAL_TERMS, read_content_signal
from gatekeeper.evidence.plus import PLUS_TERMS, read_plus
from gatekeeper.evidence.reading import READERS, Reader, Readings, Unknown, unclear
from gatekeeper.evidence.rsl import RSL_TERMS, read_rsl
from gatekeeper.evidence.tag import read_tag
from gatekeeper.evidence.tdmai import TDMAI_TERMS, read_tdmai
from gatekeeper.evidence.tdmrep import TDMREP_TERMS, read_tdmrep
from gatekeeper.evidence.training_mining import TRAINING_MINING_TERMS, read_c2pa, read_cawg
from gatekeeper.evidence.x_robots_tag import X_ROBOTS_TERMS, read_x_robots_tag

READER_OF: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "tag": read_tag,
        "aipref": read_aipref,
        "cawg": read_cawg,
        "c2pa": read_c2pa,
        "tdmrep": read_tdmrep,
        "rsl": read_rsl,
        "content-signal": read_content_signal,
        "x-robots-tag": read_x_robots_tag,
        "tdmai": read_tdmai,
        "plus": read_plus,
    }
)

TERMS: Final = (
    *AIPREF_TERMS,
    *TRAINING_MINING_TERMS,
    *TDMREP_TERMS,
    *RSL_TERMS,
    *CONTENT_SIGNAL_TERMS,
    *X_ROBOTS_TERMS,
    *TDMAI_TERMS,
    *PLUS_TERMS,
)
"""Every term a reading may be about: the rows that a policy's ``signals`` table must have."""

REMEMBERED_CHARS_MAX: Final = 512
REMEMBERED_MAX: Final = 8_192
"""Short statements repeat across a catalogue; long ones are read once in a batch anyway. At most 8 MB in all."""


def read_reservation(
    vocabulary: str, vocabulary_version: str | None, statement: str, *, readers: int = READERS
) -> Readings:
    """The restrictions a reservation makes: none for a tag other than "no AI" and where the signal takes no position.

    ``readers`` is the version the policy names; 0 is the time before there were any: only the tag was read.
    """
    if readers == 0 and vocabulary != "tag":
        return (unclear(Unknown.UNSUPPORTED),)
    if len(statement) <= REMEMBERED_CHARS_MAX:
        return _remembered(vocabulary, vocabulary_version, statement)
    return _read(vocabulary, vocabulary_version, statement)


def _read(vocabulary: str, vocabulary_version: str | None, statement: str) -> Readings:
    reader = READER_OF.get(vocabulary)
    if reader is None:
        return (unclear(Unknown.UNSUPPORTED),)
    if vocabulary != "tag" and not statement.strip():
        return (unclear(Unknown.UNREADABLE),)
    try:
        return reader(vocabulary_version or None, statement)
    except Exception:  # noqa: BLE001 - a rule that cannot be evaluated holds, whatever a parser raised
        return (unclear(Unknown.UNREADABLE),)


_remembered = lru_cache(REMEMBERED_MAX)(_read)
