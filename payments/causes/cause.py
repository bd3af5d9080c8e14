"""A cause: what one failure has in common with others, its fingerprint and its sentence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

# Changes with what is compared below, or how it is found. Groups of older versions stay.
VERSION = 1
STAGES = (
    "signature",
    "payload",
    "read",
    "projection",
    "handler",
    "effect",
    "database",
    "timeout",
    "worker",
    "unknown",
)
_SENTENCES = {
    "refused": "connection refused by {}",
    "broken": "connection broken by {}",
    "name": "no address found for {}",
    "timeout": "no answer in time from {}",
    "tls": "no trusted connection to {}",
    "connection": "no connection to {}",
    "database": "{} failed",
}
UNNAMED = "a dependency without a name"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The event that failed, as far as it matters for the cause."""

    provider: str
    event_type: str


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why an event failed.

    Attributes:
        stage: where, one of STAGES.
        error_type: the exception's class; of a cause outside, the innermost that tells of it.
        dependency: of a cause outside: "host:port", or a name such as "PostgreSQL".
        provider, event_type: of a cause in data or code.
        field: the field, key or constraint that an error of data names.
        frame: "module:function" of the code where it happened, the user's before ours.
        message: the text in general, where there is nothing else.
        says: one sentence for people. Not compared.
    """

    stage: str
    error_type: str
    dependency: str | None = None
    provider: str | None = None
    event_type: str | None = None
    field: str | None = None
    frame: str | None = None
    message: str | None = None
    says: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal for equal causes, 64 hexadecimal digits."""
        compared = {name: value for name, value in asdict(self).items() if name != "says"}
        text = json.dumps([VERSION, compared], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def say_outside(kind: str, dependency: str | None, function: str | None) -> str:
    """`kind` is one of outside.py's, or "HTTP 503"."""
    sentence = _SENTENCES.get(kind, kind + " from {}").format(dependency or UNNAMED)
    return f"{sentence} in {function}" if function else sentence


def say_inside(error_type: str, field: str | None, function: str | None, subject: Subject) -> str:
    where = f" in {function}" if function else ""
    what = f" at {field}" if field else ""
    return f"{error_type}{what}{where}, for {subject.provider} {subject.event_type}"
