"""What the providers' signature schemes share: HMAC over raw bytes, and naming secrets safely."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LabelledSecret:
    """A secret and a label by which logs and rows may name it."""

    label: str
    value: bytes = field(repr=False)


def labelled(variable: str, secrets: Sequence[str]) -> tuple[LabelledSecret, ...]:
    """Label each secret of `variable` with its name and a fingerprint.

    The fingerprint stays the same when the order of the secrets changes in a rotation. It is 24
    bits of a hash that is salted with the variable's name: enough to tell two secrets apart, and
    too little to find one by.
    """
    return tuple(
        LabelledSecret(f"{variable}#{_fingerprint(variable, secret)}", secret.encode())
        for secret in secrets
        if secret
    )


def hex_hmac_sha256(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def matching_secret(
    secrets: Iterable[LabelledSecret], message: bytes, candidates: Sequence[str]
) -> LabelledSecret | None:
    """The secret under which one of the lower-case hex `candidates` signs `message`.

    Compares in constant time. An empty secret never matches, whatever the configuration says.
    """
    offered = [candidate.encode("ascii", "replace") for candidate in candidates]
    for secret in secrets:
        if not secret.value:
            continue
        expected = hex_hmac_sha256(secret.value, message).encode()
        # All are compared, so that the time does not tell which of them came close.
        matches = [hmac.compare_digest(expected, candidate) for candidate in offered]
        if any(matches):
            return secret
    return None


def _fingerprint(variable: str, secret: str) -> str:
    return hmac.new(variable.encode(), secret.encode(), hashlib.sha256).hexdigest()[:6]
