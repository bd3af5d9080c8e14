"""Handlers: what an event is turned into. Import `handles` from here."""

from payments.errors import PermanentFailure, RetryAfter
from payments.handlers.effects import Effects
from payments.handlers.registry import HandledEvent, handles

__all__ = ["Effects", "HandledEvent", "PermanentFailure", "RetryAfter", "handles"]
