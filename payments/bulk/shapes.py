"""What a dry run came to, in general: equal for events to which the same would happen."""

from __future__ import annotations

from payments.causes import Mask, in_general
from payments.dry_run import CHANGES, FAILS, IGNORED, NOTHING, PAYLOAD_EXPIRED, DryRun
from payments.dry_run.result import Shown, TableChange
from payments.models import Payment

LONGEST_SHAPE = 255
MOST_TABLES = 5
# What follows from a payment's change is not told beside it.
LEDGER = ("payments", "payment_groups", "payment_changes", "payment_objects")
_WORDS = {
    NOTHING: "already applied",
    IGNORED: "ignored: nothing handles it",
    PAYLOAD_EXPIRED: "skipped: its payload has expired",
}


def shape_of(run: DryRun, mask: Mask) -> str:
    """As in "authorized → captured", "already applied", "fails again: KeyError: '…'"."""
    if run.outcome == FAILS:
        return f"fails again: {in_general(run.error or '', mask)}"[:LONGEST_SHAPE]
    if run.outcome != CHANGES:
        return _WORDS.get(run.outcome, run.outcome)[:LONGEST_SHAPE]
    return (", ".join([*_transitions(run), *_others(run)]) or "changes")[:LONGEST_SHAPE]


def _transitions(run: DryRun) -> list[str]:
    found = (_transition(change) for change in run.changes if change.table == Payment.__tablename__)
    return sorted({it for it in found if it})


def _transition(change: TableChange) -> str | None:
    before, after = change.columns.get("status", (None, None))
    if before == after:
        return None
    return f"{_word(before)} → {_word(after)}"


def _word(status: Shown) -> str:
    return "no payment" if status is None else str(status)


def _others(run: DryRun) -> list[str]:
    moved = bool(_transitions(run))
    tables = [it.table for it in run.counts if it.total and not (moved and it.table in LEDGER)]
    more = [f"and {len(tables) - MOST_TABLES} tables more"] if len(tables) > MOST_TABLES else []
    changed = [f"changes {' '.join(tables[:MOST_TABLES])}", *more] if tables else []
    to_do = sum(effect.done_at is None for effect in run.effects)
    return [*changed, *([f"{to_do} effects outside"] if to_do else [])]
