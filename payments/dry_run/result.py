"""What a dry run found, in plain values that JSON has a form for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

CHANGES = "changes"
NOTHING = "nothing to change"
FAILS = "fails"
IGNORED = "ignored"
PAYLOAD_EXPIRED = "payload expired"

Kind = Literal["insert", "update", "delete"]
# A value as it may be shown: text is masked and cut, times and decimals are text.
Shown = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class TableChange:
    """One row that would change.

    Attributes:
        key: the primary key by column; empty where the table has none.
        columns: the changed columns' values now and after. Of a row that is inserted or deleted
            all columns, None on the side where there is no row. Values that differ may look alike,
            because they are masked and cut.
    """

    table: str
    kind: Kind
    key: Mapping[str, Shown]
    columns: Mapping[str, tuple[Shown, Shown]]

    def describe(self) -> dict[str, Any]:
        columns = {
            name: {"before": before, "after": after}
            for name, (before, after) in self.columns.items()
        }
        return {"table": self.table, "kind": self.kind, "key": dict(self.key), "columns": columns}


@dataclass(frozen=True, kw_only=True)
class TableCount:
    """How many rows of a table would change, shown or not.

    Where it is not `exact`, the rows could not be read, and it counts the database's work on rows:
    one changed twice counts twice, one that ends as it was counts too.
    """

    table: str
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    exact: bool = True

    @property
    def total(self) -> int:
        return self.inserts + self.updates + self.deletes

    def describe(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "inserts": self.inserts,
            "updates": self.updates,
            "deletes": self.deletes,
            "exact": self.exact,
        }


@dataclass(frozen=True, kw_only=True)
class NotDone:
    """An effect that the handlers asked for. `done_at` is None where it would be done now."""

    key: str
    done_at: datetime | None

    def describe(self) -> dict[str, Any]:
        done_at = self.done_at and self.done_at.isoformat().replace("+00:00", "Z")
        return {"key": self.key, "done_at": done_at}


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What would happen to an event now.

    Attributes:
        outcome: `changes` (rows, or effects that are not done yet), `nothing to change`, `fails`,
            `ignored` (no handler, and not about a payment) or `payload expired`.
        error: the masked reason; None unless it fails.
        changes: at most 500 of the rows that would change.
        counts: all of them, by table.
        effects: each effect that the handlers asked for; none was done.
        warnings: what this result does not show, in sentences.
    """

    event_id: int
    outcome: str
    error: str | None = None
    changes: tuple[TableChange, ...] = ()
    counts: tuple[TableCount, ...] = ()
    effects: tuple[NotDone, ...] = ()
    duration_seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def changed_rows(self) -> int:
        return sum(count.total for count in self.counts)

    def describe(self) -> dict[str, Any]:
        """The whole of it, ready for JSON."""
        return {
            "event_id": self.event_id,
            "outcome": self.outcome,
            "error": self.error,
            "changed_rows": self.changed_rows,
            "changes": [change.describe() for change in self.changes],
            "counts": [count.describe() for count in self.counts],
            "effects": [effect.describe() for effect in self.effects],
            "duration_seconds": round(self.duration_seconds, 6),
            "warnings": list(self.warnings),
        }
