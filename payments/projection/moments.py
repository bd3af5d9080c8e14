"""Statuses that go back and forth, and so carry their time: "1648319940 needs_response"."""

from __future__ import annotations

from collections.abc import Collection

from payments.projection.vocabulary import Ranks


def latest_status(said: Collection[str], ranks: Ranks) -> str | None:
    """The latest of the statuses; of one moment, the one that is further on by `ranks`."""
    moments = [(int(moment), status) for moment, status in (one.split(" ") for one in said)]
    return max(moments, key=lambda m: (m[0], ranks.get(m[1], -1), m[1]), default=(0, None))[1]
