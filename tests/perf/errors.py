"""Why a benchmark ends without figures, or with figures that must not be believed."""

from __future__ import annotations


class MissingTool(Exception):
    """The machine lacks a program; the message says how to get it."""


class WrongResult(Exception):
    """The service did not do what was asked of it, so how fast it was means nothing."""
