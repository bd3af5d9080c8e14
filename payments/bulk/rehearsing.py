"""The preview's dry runs: of a few events, for a bounded time, kept with their items."""

from __future__ import annotations

import time

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.bulk.shapes import shape_of
from payments.causes import Mask
from payments.database import snapshot, transaction
from payments.dry_run import dry_run
from payments.errors import NotFound
from payments.models import PREVIEW, BulkItem, BulkOperation, utc_now

# Of one job; a single dry run has its own limit of about 20 s.
SLICE_SECONDS = 8
# Of all dry runs of one operation.
MOST_SECONDS = 60
# Written before a dry run, so that one that kills its process is not tried again.
UNFINISHED = "the dry run did not end"
GONE = "skipped: there is no such event"


def rehearse(operation_id: int, mask: Mask) -> bool:
    """Some more dry runs; whether there are others to make."""
    ends_at = time.monotonic() + SLICE_SECONDS
    while time.monotonic() < ends_at:
        if (item := _next(operation_id)) is None:
            _end(operation_id)
            return False
        _rehearse_one(item, mask)
    return True


def _next(operation_id: int) -> BulkItem | None:
    with snapshot() as session:
        operation = session.get(BulkOperation, operation_id)
        if operation is None or operation.state != PREVIEW:
            return None
        if operation.rehearsal_ms >= 1000 * MOST_SECONDS:
            return None
        return session.scalar(
            select(BulkItem)
            .where(
                BulkItem.operation_id == operation_id,
                BulkItem.is_sample,
                BulkItem.rehearsal.is_(None),
            )
            .order_by(BulkItem.id)
            .limit(1)
        )


def _rehearse_one(item: BulkItem, mask: Mask) -> None:
    with transaction() as session:
        _keep(session, item, UNFINISHED, None)
    started = time.monotonic()
    try:
        run = dry_run(item.event_id)
        shape, detail = shape_of(run, mask), run.error
    except NotFound:
        shape, detail = GONE, None
    took_ms = round(1000 * (time.monotonic() - started))
    with transaction() as session:
        _keep(session, item, shape, detail)
        session.execute(
            update(BulkOperation)
            .where(BulkOperation.id == item.operation_id)
            .values(rehearsal_ms=BulkOperation.rehearsal_ms + took_ms)
            .execution_options(synchronize_session=False)
        )


def _keep(session: Session, item: BulkItem, shape: str, detail: str | None) -> None:
    session.execute(
        update(BulkItem)
        .where(BulkItem.id == item.id)
        .values(rehearsal=shape, rehearsal_detail=detail)
        .execution_options(synchronize_session=False)
    )


def _end(operation_id: int) -> None:
    with transaction() as session:
        session.execute(
            update(BulkOperation)
            .where(BulkOperation.id == operation_id)
            .values(rehearsal_ended_at=utc_now())
            .execution_options(synchronize_session=False)
        )
