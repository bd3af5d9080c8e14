"""From the rows before and after to the rows that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from payments.dry_run.result import Kind, Shown, TableChange, TableCount
from payments.dry_run.values import Row


@dataclass(frozen=True)
class TableRows:
    """The rows of a table that were touched, as they are and as they would be.

    Attributes:
        key: the columns of the primary key; empty where there is none.
    """

    table: str
    key: Sequence[str]
    before: Sequence[Row]
    after: Sequence[Row]


@dataclass
class Observed:
    """What was seen of a dry run: tables whose rows were read, others that were only counted.

    `schema_changes` are sentences about what no row tells of.
    """

    tables: list[TableRows] = field(default_factory=list)
    counts: list[TableCount] = field(default_factory=list)
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def changes_of(rows: TableRows) -> list[TableChange]:
    """What differs. A row that was touched and is as it was is no change."""
    if not rows.key:
        return _whole_rows(rows)
    before = {_identity(rows, row): row for row in rows.before}
    after = {_identity(rows, row): row for row in rows.after}
    changes = []
    for identity in dict.fromkeys((*before, *after)):
        old, new = before.get(identity), after.get(identity)
        if old != new:
            changes.append(_change(rows, old, new))
    return changes


def _identity(rows: TableRows, row: Row) -> tuple[object, ...]:
    return tuple(row[name].whole for name in rows.key)


def _whole_rows(rows: TableRows) -> list[TableChange]:
    """Without a key nobody can say which row became which: one goes, another comes."""
    gone = _surplus(rows.before, rows.after)
    new = _surplus(rows.after, rows.before)
    return [_change(rows, row, None) for row in gone] + [_change(rows, None, row) for row in new]


def _surplus(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """The rows that are not among the others; as often as they are not."""
    left = Counter(tuple(row.values()) for row in others)
    surplus = []
    for row in rows:
        values = tuple(row.values())
        if left[values]:
            left[values] -= 1
        else:
            surplus.append(row)
    return surplus


def _change(rows: TableRows, before: Row | None, after: Row | None) -> TableChange:
    kind: Kind = "insert" if before is None else "delete" if after is None else "update"
    one = after if before is None else before
    assert one is not None
    columns: dict[str, tuple[Shown, Shown]] = {}
    for name in dict.fromkeys((*(before or ()), *(after or ()))):
        old = before.get(name) if before else None
        new = after.get(name) if after else None
        if kind != "update" or old != new:
            columns[name] = (old.shown if old else None, new.shown if new else None)
    key = {name: one[name].shown for name in rows.key}
    return TableChange(table=rows.table, kind=kind, key=key, columns=columns)
