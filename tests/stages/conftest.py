"""Workspaces for stages that are easiest told through the command line."""

from tests.cli.conftest import desk

__all__ = ["desk"]
