"""Doing an action while its client waits, or saying what it would do."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from payments.actions import Action, freeze, preview
from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.operations import operate
from payments.queueing import job_queue
from payments.rehearsal import Rehearsal
from payments.web.api.schemas.events import event_filter
from payments.web.auth import acting
from payments.web.responses import json_response

# What a request may do while its client waits; bulk operations have no such bound.
MOST_AT_ONCE = 1000
# Dry runs call handlers, and each holds locks while it does; what is left then is said.
REHEARSAL_SECONDS = 20.0


def chosen(action: Action, asked: Mapping[str, Any]) -> list[int]:
    """The events that are meant, by primary key.

    Raises:
        InvalidQuery: a filter matches everything, which was not said; or it cannot be meant.
    """
    if "ids" in asked:
        return list(dict.fromkeys(asked["ids"]))
    with snapshot() as session:
        return freeze(session, action, event_filter(asked), confirmed=asked["all"])


def run(action: Action, ids: Sequence[int], asked: Mapping[str, Any]) -> Response:
    """Do it to the chosen events, or say which ones that would be."""
    if asked["dry_run"]:
        with snapshot() as session:
            return json_response(preview(session, action, ids).describe())
    results = list(operate(action, bounded(ids), acting(), job_queue(), asked["reason"]))
    skipped = [vars(result) for result in results if not result.done]
    done = len(results) - len(skipped)
    return json_response({"matched": len(ids), "done": done, "skipped": skipped})


def rehearse(ids: Sequence[int]) -> Response:
    """Dry-run the chosen events, for as long as a client may be kept waiting."""
    deadline = time.monotonic() + REHEARSAL_SECONDS
    rehearsal = Rehearsal.of(bounded(ids))
    rehearsal.run(itertools.takewhile(lambda _: time.monotonic() < deadline, list(rehearsal.ids)))
    return json_response(rehearsal.describe())


def bounded(ids: Sequence[int]) -> Sequence[int]:
    """`ids`, where a client can wait for so many; InvalidQuery where they are too many."""
    if len(ids) > MOST_AT_ONCE:
        raise InvalidQuery(
            f"That is {len(ids)} events; at most {MOST_AT_ONCE} at once here. Narrow the filter, "
            "make a bulk operation of it, or use the command line."
        )
    return ids
