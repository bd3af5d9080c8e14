"""Who may pass: bearer tokens, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from flask import g, request

from payments.config import AdminToken
from payments.errors import Forbidden, Unauthorized
from payments.extensions import settings

LONGEST_TOKEN = 1024


def require_admin() -> None:
    """Let the request pass if it carries one of `ADMIN_TOKEN`; who it is stands in `g.admin`.

    Raises:
        Unauthorized: it does not.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
        raise Unauthorized
    admin = matching_token(settings().admin_tokens, token.strip())
    if admin is None:
        raise Unauthorized
    g.admin = admin


def require_operator() -> None:
    """Raises Forbidden unless the admin of this request is an operator."""
    if g.admin.role != "operator":
        raise Forbidden


def matching_token(known: Sequence[AdminToken], offered: str) -> AdminToken | None:
    """The known token that equals the offered one. All are compared, whatever the first says."""
    candidate = offered.encode("utf-8", "replace")
    matches = [it for it in known if hmac.compare_digest(it.token.encode(), candidate)]
    return matches[0] if matches else None
