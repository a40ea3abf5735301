"""The XMP packet inside a media file: where IPTC, PLUS and TDMRep metadata stand.

The packet is found by its first and last element, whatever the container is (ISO 16684-1 makes it a text of its own for
that purpose); the file is mapped, not read.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

from gatekeeper.errors import BadInput

PACKET_BYTES_MAX: Final = 262_144
_BEGINS: Final = b"<x:xmpmeta"
_ENDS: Final = b"</x:xmpmeta>"


def xmp_packet(path: Path) -> str | None:
    """The first packet's text; None where there is none. One without an end comes as far as it goes."""
    if path.stat().st_size == 0:
        return None
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            begin = content.find(_BEGINS)
            if begin < 0:
                return None
            end = content.find(_ENDS, begin, begin + PACKET_BYTES_MAX)
            return content[begin : begin + PACKET_BYTES_MAX if end < 0 else end + len(_ENDS)].decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "give a file that can be opened") from error
