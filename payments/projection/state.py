"""What a provider's facts come to, in words that both providers share, and the status it means."""

from __future__ import annotations

from dataclasses import dataclass, field

from payments.projection.facts import Contradiction
from payments.projection.money import Money


@dataclass(kw_only=True)
class State:
    """One payment as its facts tell it. Amounts are minor units of `currency`.

    Attributes:
        known: something is known of the payment itself, not only of refunds or disputes of it.
        released: what is authorized and not captured will not be captured any more.
        reversed_amount: of what was refunded, what the provider took back by itself.
        lost: a dispute was lost, and its money is gone.
        held: money is authorized. `live`: an attempt is on its way. `attempt_failed`: one failed.
        clawed_back: an attempt failed after it had succeeded.
    """

    currency: str | None = None
    known: bool = False
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    reversed_amount: int = 0
    disputed: int = 0
    fee: int | None = None
    fee_currency: str | None = None
    dispute_open: bool = False
    lost: bool = False
    released: bool = False
    canceled: bool = False
    clawed_back: bool = False
    held: bool = False
    live: bool = False
    requires_action: bool = False
    attempt_failed: bool = False
    contradictions: set[Contradiction] = field(default_factory=set)

    def add_fees(self, fees: list[Money]) -> None:
        """Set the fee to the sum of `fees`, where there are any and all are in one currency."""
        currencies = sorted({fee.currency for fee in fees})
        if len(currencies) > 1:
            self.odd("several_fee_currencies", "", "one", " ".join(currencies))
        elif currencies:
            self.fee, self.fee_currency = sum(fee.amount for fee in fees), currencies[0]

    def odd(
        self, kind: str, detail: str = "", expected: object = None, found: object = None
    ) -> None:
        said = [None if value is None else str(value) for value in (expected, found)]
        self.contradictions.add(Contradiction(kind, detail[:255], *said))


def status_of(state: State) -> str:
    """The first row that fits, from most to least urgent to know (facts.STATUSES)."""
    if not state.known:
        return _status_of_orphans(state)
    rows = (
        (state.captured > 0 and state.dispute_open, "disputed"),
        (state.lost and state.disputed > 0, "charged_back"),
        (0 < state.captured <= state.reversed_amount, "reversed"),
        (0 < state.captured <= state.refunded, "refunded"),
        (state.refunded > 0, "partially_refunded"),
        (0 < state.captured < state.authorized and not state.released, "partially_captured"),
        (state.captured > 0, "captured"),
        (state.canceled, "canceled"),
        (state.clawed_back, "failed"),
        (state.held, "authorized"),
        (state.live, "processing"),
        (state.requires_action, "requires_action"),
        (state.attempt_failed, "failed"),
    )
    return next((status for fits, status in rows if fits), "created")


def _status_of_orphans(state: State) -> str:
    """Of a payment whose own events never came, a dispute is still the urgent thing to know."""
    if state.dispute_open:
        return "disputed"
    return "charged_back" if state.lost and state.disputed > 0 else "unknown"
