"""A module of handlers that holds more memory than a web process may."""

from __future__ import annotations

hoard = bytearray(b"x") * (300 * 1024 * 1024)
