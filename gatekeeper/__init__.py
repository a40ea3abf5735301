"""Gatekeeper stands between recordings that people may or may not let AI learn from and the Parquet files that ML
teams train on.

``gatekeeper.load("name@version")`` reads a release, ``gatekeeper.media("name@version")`` the media in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.loading import load, media

__version__ = "0.1.0"
__all__ = ["__version__", "load", "media"]


def __getattr__(name: str) -> Any:
    """Names of the public interface whose modules are imported when they are first used."""
    if name in ("load", "media"):
        from gatekeeper import loading  # noqa: PLC0415 (importing gatekeeper stays quick)

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
