"""The ledger of payments: who stated which fact, and what follows from all facts together.

    state(session, account, facts, cause)     adds what an event states
    restate(session, account, facts, cause)   the same, and takes back what it no longer states

Both work in the caller's transaction, and hold the locks of the payments that they touch until it
ends. Facts only come together, so neither order nor repetition matters: docs/adr/0007.
"""

from payments.ledger.keeping import restate, state
from payments.ledger.statements import Account, Cause

__all__ = ["Account", "Cause", "restate", "state"]
