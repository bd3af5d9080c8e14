"""Who asks, for the audit log."""

from __future__ import annotations

from flask import g

from payments.audit import Actor


def actor() -> Actor:
    """The admin whose token the request carries."""
    return Actor(name=g.admin.name, request_id=g.request_id)
