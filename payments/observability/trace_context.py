"""Following one event: request ids, and the trace ids of W3C Trace Context.

What a caller sends is taken only where it is well-formed; anything else is replaced, so that it
never reaches a log or a header as it came. Source: www.w3.org/TR/trace-context-2, section 3.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# A version above ours may say more after the flags; 255 is no version.
TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?P<more>-.{0,200})?"
)
VERSION = "00"
SAMPLED = 0x01
# Section 3.3.1: what everybody has to be able to pass on.
MOST_STATE_CHARACTERS = 512
MOST_STATE_MEMBERS = 32
_KEY = r"[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
# Visible characters and spaces, without comma and equals sign; no space at the end.
_CHARACTER = r"[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
STATE_MEMBER = re.compile(rf"(?:{_KEY})=(?: |{_CHARACTER}){{0,255}}{_CHARACTER}")


@dataclass(frozen=True)
class Trace:
    """A trace and one span in it, as lower-case hex.

    Attributes:
        sampled: whether somebody records this trace.
        state: what tracing systems say of it to each other (`tracestate`); checked, or empty.
    """

    trace_id: str
    span_id: str
    sampled: bool = False
    state: str = ""

    @property
    def traceparent(self) -> str:
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    def next(self) -> Trace:
        """Another span of the same trace."""
        return Trace(self.trace_id, secrets.token_hex(8), self.sampled, self.state)


def new_trace() -> Trace:
    return Trace(secrets.token_hex(16), secrets.token_hex(8))


def request_id_of(header: str | None) -> str:
    """The caller's request id where it is well-formed, else a new one."""
    if header and REQUEST_ID.fullmatch(header):
        return header
    return secrets.token_hex(16)


def trace_of(traceparent: str | None, tracestate: str | None = None) -> Trace | None:
    """The trace and the span that the caller names; None where it names none, or not properly."""
    match = TRACEPARENT.fullmatch(traceparent or "")
    if match is None or (match["version"] == VERSION and match["more"] is not None):
        return None
    _, trace_id, span_id, flags, _ = match.groups()
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & SAMPLED), _state(tracestate or ""))


def _state(header: str) -> str:
    """The list as it came, or nothing: a part of it could say something else than the whole."""
    if len(header) > MOST_STATE_CHARACTERS:
        return ""
    members = [member.strip(" \t") for member in header.split(",")]
    named = [member for member in members if member]
    keys = {member.partition("=")[0] for member in named}
    if len(named) > MOST_STATE_MEMBERS or len(keys) < len(named):
        return ""
    return ",".join(named) if all(STATE_MEMBER.fullmatch(member) for member in named) else ""
