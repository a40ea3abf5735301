"""Gatekeeper stands between recordings that people may or may not let AI learn from and the Parquet files that ML
teams train on.

``gatekeeper.load("name@version")`` reads a release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.loading import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Names of the public interface whose modules are imported when they are first used."""
    if name == "load":
        from gatekeeper.loading import load as found  # noqa: PLC0415 (importing gatekeeper stays quick)

        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
