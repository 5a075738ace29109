"""The command line, run inside the test."""

from cli.conftest import run

__all__ = ["run"]
