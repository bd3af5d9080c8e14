"""Why the check ends early."""

from __future__ import annotations


class MissingTool(Exception):
    """The machine lacks a program; the message says how to get it."""


class Wrong(Exception):
    """Something is not as it should be; the message names it."""
