"""What `PAYMENTS_HANDLERS` names in a run: importing it registers the handlers."""

from __future__ import annotations

from tests.faults import handlers

handlers.register()
