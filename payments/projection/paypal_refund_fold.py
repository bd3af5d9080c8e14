"""PayPal's refunds and reversals, folded, capture by capture.

Two witnesses: the refunds by their ids, and the total over all refunds of a capture that each of
them states. The larger is true, since either may be short of what was not heard of.
"""

from __future__ import annotations

from payments.projection.known import Known
from payments.projection.money import Money
from payments.projection.state import State
from payments.projection.vocabulary import (
    CAPTURE_FEE,
    CAPTURE_REFUNDED_TOTAL,
    CAPTURE_STATUS,
    REFUND_AMOUNT,
    REFUND_BAD,
    REFUND_FEE,
    REFUND_IS_REVERSAL,
    REFUND_RANKS,
    REFUND_STATUS,
    top,
)

REFUNDED_STATES = ("partially_refunded", "refunded")


def fold_refunds(state: State, known: Known, counted: list[str]) -> None:
    """Amounts, and the fees of the captures in `counted` without what refunds gave back."""
    refunds = known.objects(REFUND_AMOUNT, REFUND_STATUS)
    bad = [re for re in refunds if top(known.values(REFUND_STATUS, re), REFUND_RANKS) in REFUND_BAD]
    good = [re for re in refunds if re not in bad]
    captures = {re: _capture(known, re) for re in refunds}
    for capture in sorted({*captures.values(), *known.objects(CAPTURE_REFUNDED_TOTAL)}):
        mine = [re for re in good if captures[re] == capture]
        failed = [re for re in bad if captures[re] == capture]
        _fold_capture(state, known, capture, _sum(state, known, mine), _sum(state, known, failed))
    reversals = [re for re in good if known.has(REFUND_IS_REVERSAL, re)]
    state.reversed_amount = _sum(state, known, reversals)
    _fold_fees(state, known, counted, good)
    _contradict_states(state, known, set(captures.values()))


def _fold_capture(state: State, known: Known, capture: str, good: int, bad: int) -> None:
    total = known.most(CAPTURE_REFUNDED_TOTAL, capture, state.currency) - bad
    state.refunded += max(good, total)
    if total > good:
        state.odd("refund_gap", capture, total, good)


def _capture(known: Known, refund: str) -> str:
    """The capture that it refunds, else what it names instead; itself where it names nothing."""
    parents = known.nearest_parents(refund)
    kinds = (CAPTURE_STATUS, CAPTURE_REFUNDED_TOTAL)
    captures = [one for one in parents if any(known.has(kind, one) for kind in kinds)]
    return (captures or parents or [refund])[0]


def _sum(state: State, known: Known, refunds: list[str]) -> int:
    return sum(known.most(REFUND_AMOUNT, refund, state.currency) for refund in refunds)


def _fold_fees(state: State, known: Known, counted: list[str], refunds: list[str]) -> None:
    taken = [max(known.moneys(CAPTURE_FEE, one)) for one in counted if known.has(CAPTURE_FEE, one)]
    back = [max(known.moneys(REFUND_FEE, one)) for one in refunds if known.has(REFUND_FEE, one)]
    if taken:
        state.add_fees([*taken, *(Money(-fee.amount, fee.currency) for fee in back)])


def _contradict_states(state: State, known: Known, refunded: set[str]) -> None:
    """A capture's own status is no source of amounts: an open dispute changes it too."""
    for capture in known.objects(CAPTURE_STATUS):
        said = [one for one in known.values(CAPTURE_STATUS, capture) if one in REFUNDED_STATES]
        told = capture in refunded or known.has(CAPTURE_REFUNDED_TOTAL, capture)
        if said and not told and not state.dispute_open:
            state.odd("refunded_state_without_refund", capture, "a refund", said[-1])
