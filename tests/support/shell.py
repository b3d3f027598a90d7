"""Pieces of shell for scripts that outlive whoever started them: a daemon, a shim."""

from __future__ import annotations

import os


def while_tested() -> str:
    """A condition that holds as long as this process lives: a loop ends when a test is killed."""
    return f"kill -0 {os.getpid()} 2>/dev/null"
