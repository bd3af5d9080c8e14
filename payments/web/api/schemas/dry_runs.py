"""What a dry run of one event found."""

from __future__ import annotations

from typing import get_args

from marshmallow import fields

from payments.dry_run.result import CHANGES, FAILS, IGNORED, NOTHING, PAYLOAD_EXPIRED, Kind
from payments.web.api.schemas.fields import (
    Answer,
    anything,
    decimal,
    flag,
    list_of,
    map_of,
    maybe_moment,
    maybe_text,
    number,
    one_of,
    text,
)


class ColumnChange(Answer):
    """A column now, and after."""

    before = anything("the value now, masked; null where there is no row", "authorized")
    after = anything("the value after, masked; null where there is no row then", "captured")


class RowChange(Answer):
    """A row that would change."""

    table = text("its table", "payments")
    kind = one_of("what would be done to it", get_args(Kind))
    key = map_of(fields.Raw(allow_none=True), "its primary key by column", {"id": 5})
    columns = map_of(fields.Nested(ColumnChange), "what would change in it, by column")


class TableCount(Answer):
    """How many rows of a table would change."""

    table = text("the table", "payments")
    inserts = number("rows added", 0)
    updates = number("rows changed", 1)
    deletes = number("rows removed", 0)
    exact = flag("whether rows were counted, and not the work on them")


class EffectNotDone(Answer):
    """Something outside of the database that the handlers asked for. It was not done."""

    key = text("its key", "receipt:pi_3MtwBwLkdIwHu7ix28a3tqPa")
    done_at = maybe_moment("when it was done before; null where it would be done now")


class DryRunOfEvent(Answer):
    """What would happen to an event now. Nothing of it has happened."""

    event_id = number("the event", 17)
    outcome = one_of("in general", (CHANGES, NOTHING, FAILS, IGNORED, PAYLOAD_EXPIRED))
    error = maybe_text("the masked reason, where it fails")
    changed_rows = number("rows that would change", 1)
    changes = list_of(RowChange, "at most 500 of them")
    counts = list_of(TableCount, "all of them, by table")
    effects = list_of(EffectNotDone, "what the handlers would do outside of the database")
    duration_seconds = decimal("how long it took", 0.012)
    warnings = list_of(fields.String(), "what this does not show")
