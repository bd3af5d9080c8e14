"""Another body with the same CRC32, which is all of a body that PayPal's signature covers."""

from __future__ import annotations

import zlib

LETTERS = 64
FILLER = b"a" * LETTERS
# Differs from "a" in one bit.
CHANGED = b"c"
Basis = dict[int, tuple[int, int]]


def collide(body: bytes, crc32: int) -> bytes:
    """`body` with some letters of its `FILLER` changed, so that it has this CRC32.

    CRC32 is linear: what a changed bit does to it does not depend on the other bits. So each letter
    gives a vector of 32 bits, and some of the vectors add up to what is missing.
    """
    plain = zlib.crc32(body)
    basis: Basis = {}
    for letter in range(LETTERS):
        which = 1 << letter
        vector, which = _reduce(zlib.crc32(_change(body, which)) ^ plain, which, basis)
        if vector:
            basis[vector.bit_length()] = (vector, which)
    _, which = _reduce(plain ^ crc32, 0, basis)
    found = _change(body, which)
    assert zlib.crc32(found) == crc32
    return found


def _change(body: bytes, which: int) -> bytes:
    """`which` has bit n set to change letter n."""
    start = body.index(FILLER)
    changed = bytearray(body)
    for letter in range(LETTERS):
        if which >> letter & 1:
            changed[start + letter : start + letter + 1] = CHANGED
    return bytes(changed)


def _reduce(vector: int, which: int, basis: Basis) -> tuple[int, int]:
    while vector and vector.bit_length() in basis:
        known, letters = basis[vector.bit_length()]
        vector, which = vector ^ known, which ^ letters
    return vector, which
