"""Small real recordings: a tone in a WAV file, another one for each number."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import wave


def tone(number: int, samples: int = 800) -> bytes:
    """A mono WAV of 16 bits at 8 kHz."""
    held = io.BytesIO()
    with wave.open(held, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(
            b"".join(struct.pack("<h", int(9000 * math.sin(n * (number + 1) / 20))) for n in range(samples))
        )
    return held.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def name_of(data: bytes, ending: str = ".wav") -> str:
    """Where a release keeps it."""
    return f"media/{sha256(data)[:2]}/{sha256(data)}{ending}"
