"""The API for programs: each operation reads its parameters, calls one service, shows the answer.

The schemas that check what is asked are those from which `openapi.json` is made.
"""

from payments.web.api import (
    audit,
    bulk,
    dead_letters,
    events,
    health,
    payments,
    reconciliation,
    webhooks,
)

BLUEPRINTS = (
    webhooks.blueprint,
    health.blueprint,
    events.blueprint,
    dead_letters.blueprint,
    bulk.blueprint,
    payments.blueprint,
    reconciliation.summary,
    reconciliation.blueprint,
    audit.blueprint,
)
