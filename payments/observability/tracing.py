"""Following one event: request ids, and trace ids as in W3C Trace Context.

What a caller sends is taken only where it is well-formed; anything else is replaced, so that it
never reaches a log or a header as it came. Source: www.w3.org/TR/trace-context, section 3.2.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
VERSION = "00"


@dataclass(frozen=True)
class Trace:
    """A trace and our span in it, as lower-case hex."""

    trace_id: str
    span_id: str
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"


def request_id_of(header: str | None) -> str:
    """The caller's request id where it is well-formed, else a new one."""
    if header and REQUEST_ID.fullmatch(header):
        return header
    return secrets.token_hex(16)


def trace_of(header: str | None) -> Trace:
    """The caller's trace with a new span of ours, or a new trace."""
    match = TRACEPARENT.fullmatch(header or "")
    if match and int(match[1], 16) and int(match[2], 16):
        return Trace(match[1], secrets.token_hex(8), match[3])
    return Trace(secrets.token_hex(16), secrets.token_hex(8))
