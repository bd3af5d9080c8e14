"""Looking at bulk operations: one with its preview and progress, lists, and items. Only reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.bulk.deciding import MOST_WITHOUT_COUNT, require_operation
from payments.bulk.rehearsing import UNFINISHED
from payments.errors import InvalidQuery
from payments.events import DEFAULT_LIMIT, MAX_ID, MAX_LIMIT
from payments.models import ITEM_STATES, RUNNING, BulkItem, BulkOperation, columns_of
from payments.models.bulk import STOPPED

SAMPLES_OF_A_SHAPE = 5
MOST_RUNNING = 10
HIDDEN = ("summary", "rehearsal_ms", "rehearsal_ended_at", "done_before", "failed_before")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What dry runs came to, how many did, and some of their events."""

    shape: str
    count: int
    samples: Sequence[int]

    def describe(self) -> dict[str, Any]:
        return {"shape": self.shape, "count": self.count, "samples": list(self.samples)}


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """An operation with what its dry runs have come to so far, the most frequent first.

    Attributes:
        tried, samples: how many dry runs were made, of how many that are to be.
    """

    row: BulkOperation
    shapes: Sequence[Shape]
    tried: int
    samples: int

    def describe(self) -> dict[str, Any]:
        """The whole of it, ready for JSON."""
        rehearsal = {
            "tried": self.tried,
            "samples": self.samples,
            "ended": self.row.rehearsal_ended_at is not None,
            "seconds": self.row.rehearsal_ms / 1000,
            "shapes": [shape.describe() for shape in self.shapes],
        }
        return {**describe_operation(self.row), "rehearsal": rehearsal}


@dataclass(frozen=True)
class OperationPage:
    """Operations, newest first; `next_cursor` is the `before` of the next page."""

    operations: Sequence[BulkOperation]
    next_cursor: int | None

    def describe(self) -> list[dict[str, Any]]:
        return [describe_operation(operation) for operation in self.operations]


@dataclass(frozen=True)
class ItemPage:
    """Items in the order in which they are started; `next_cursor` is the next page's `after`."""

    items: Sequence[BulkItem]
    next_cursor: int | None

    def describe(self) -> list[dict[str, Any]]:
        return [columns_of(item) for item in self.items]


def describe_operation(operation: BulkOperation) -> dict[str, Any]:
    """Its columns, what is left, what it is worth, and whether a confirmation needs the count."""
    columns = columns_of(operation)
    shown = {name: value for name, value in columns.items() if name not in HIDDEN}
    return {
        **shown,
        "left": operation.left,
        "needs_count": operation.left > MOST_WITHOUT_COUNT,
        "summary": json.loads(operation.summary),
    }


def get_operation(session: Session, operation_id: int) -> OperationView:
    """Raises NotFound where there is none with this primary key."""
    operation = require_operation(session, operation_id)
    rows = session.execute(
        select(BulkItem.event_id, BulkItem.rehearsal)
        .where(BulkItem.operation_id == operation_id, BulkItem.is_sample)
        .order_by(BulkItem.id)
    ).all()
    by_shape: dict[str, list[int]] = {}
    for event_id, shape in rows:
        # The one under way has that mark, too; and it tells something only if it stays.
        under_way = shape == UNFINISHED and operation.rehearsal_ended_at is None
        if shape is not None and not under_way:
            by_shape.setdefault(shape, []).append(event_id)
    shapes = [
        Shape(shape=shape, count=len(ids), samples=ids[:SAMPLES_OF_A_SHAPE])
        for shape, ids in sorted(by_shape.items(), key=lambda it: (-len(it[1]), it[0]))
    ]
    tried = sum(shape.count for shape in shapes)
    return OperationView(row=operation, shapes=shapes, tried=tried, samples=len(rows))


def list_operations(
    session: Session, *, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> OperationPage:
    """Raises InvalidQuery: `limit` is not from 1 to 500, or `before` is no id."""
    _check_page(limit, before)
    query = select(BulkOperation).order_by(BulkOperation.id.desc()).limit(limit + 1)
    query = query if before is None else query.where(BulkOperation.id < before)
    found = session.scalars(query).all()
    return OperationPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def list_running(session: Session) -> Sequence[BulkOperation]:
    """Those that do something now, and those that stopped by themselves and wait for somebody."""
    query = select(BulkOperation).where(BulkOperation.state.in_((RUNNING, STOPPED)))
    return session.scalars(query.order_by(BulkOperation.id.desc()).limit(MOST_RUNNING)).all()


def list_items(
    session: Session,
    operation_id: int,
    *,
    state: str | None = None,
    limit: int = DEFAULT_LIMIT,
    after: int | None = None,
) -> ItemPage:
    """The items, or those of one state, such as the skipped ones with their reasons.

    Raises:
        NotFound: there is no such operation.
        InvalidQuery: the state is unknown, `limit` is not from 1 to 500, or `after` is no id.
    """
    require_operation(session, operation_id)
    _check_page(limit, after)
    if state is not None and state not in ITEM_STATES:
        raise InvalidQuery(f"state: use one of {', '.join(ITEM_STATES)}.")
    query = select(BulkItem).where(BulkItem.operation_id == operation_id)
    query = query if state is None else query.where(BulkItem.state == state)
    query = query if after is None else query.where(BulkItem.id > after)
    found = session.scalars(query.order_by(BulkItem.id).limit(limit + 1)).all()
    return ItemPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def _check_page(limit: int, cursor: int | None) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(f"limit: use a whole number from 1 to {MAX_LIMIT}.")
    if cursor is not None and not 1 <= cursor <= MAX_ID:
        raise InvalidQuery("cursor: use the one of the page before.")
