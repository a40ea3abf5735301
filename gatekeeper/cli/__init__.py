"""The command line (design §7). Each command parses, calls one stage, prints; no rule lives here."""

from gatekeeper.cli.app import main

__all__ = ["main"]
