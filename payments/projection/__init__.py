"""From what events state to what a payment is: pure functions, without a database.

Events are read into facts, facts that belong together are folded into one payment. A set of facts
has no order, so neither has the result.
"""
