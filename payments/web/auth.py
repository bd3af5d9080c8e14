"""Who may pass: bearer tokens for programs, sessions for people, operators where things change.

The cookie of a session opens pages and never the JSON API, which therefore needs no protection
against forged forms; what the console changes, it changes through forms of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import structlog
from flask import g, request

from payments.access import AdminToken
from payments.audit import Actor
from payments.errors import Forbidden, Unauthorized
from payments.extensions import settings
from payments.web.addresses import client_address, comes_from_loopback
from payments.web.failed_logins import failed_logins
from payments.web.sessions import admin_of_session

# As long as one can be (payments/config.py); of an over-long one the rest does not matter.
LONGEST_TOKEN = 1024

log = structlog.get_logger(__name__)


def require_admin() -> None:
    """Let the request pass if it carries one of `ADMIN_TOKEN`; who it is stands in `g.admin`.

    Raises:
        Unauthorized: it does not.
        TooManyAttempts: so many did not that this one is not looked at.
    """
    _pass(admin_of_token(_bearer()))


def require_session() -> None:
    """Let the request for a page pass if somebody is logged in; who it is stands in `g.admin`.

    Raises:
        Unauthorized: nobody is; the answer leads to the login form.
    """
    admin = admin_of_session()
    if admin is None:
        raise Unauthorized
    _pass(admin)


def require_operator() -> None:
    """Raises Forbidden unless the admin of this request is an operator."""
    if g.admin.role != "operator":
        raise Forbidden


def acting() -> Actor:
    """Who asks, as the audit log names them; once a guard has let the request pass."""
    return Actor(name=g.admin.name, request_id=g.request_id)


def require_metrics_token() -> None:
    """Let the request pass if it carries one of `METRICS_TOKEN`, or comes from this machine.

    Raises:
        Unauthorized, TooManyAttempts: as for `require_admin`.
    """
    if not _is_from_this_machine():
        _place_of(_bearer(), settings().metrics_tokens)


def require_observer() -> None:
    """Let the request pass that may see figures: outside of production, every one.

    In production, one with one of `METRICS_TOKEN` or `ADMIN_TOKEN`, or one from this machine.

    Raises:
        Unauthorized, TooManyAttempts: as for `require_admin`.
    """
    if settings().is_production and not _is_from_this_machine():
        admins = [admin.token for admin in settings().admin_tokens]
        _place_of(_bearer(), [*settings().metrics_tokens, *admins])


def admin_of_token(offered: str) -> AdminToken:
    """Whose token it is.

    Raises:
        Unauthorized: nobody's.
        TooManyAttempts: too many were wrong, so it was not looked at.
    """
    admins = settings().admin_tokens
    return admins[_place_of(offered, [admin.token for admin in admins])]


def _is_from_this_machine() -> bool:
    """What a proxy passes on comes from elsewhere, also where the proxy is on this machine."""
    passed_on = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For"))
    return not passed_on and comes_from_loopback()


def _place_of(offered: str, known: Sequence[str]) -> int:
    """Where the offered token stands among the known. All are compared, whatever the first says."""
    offered = offered.strip()
    if not offered:
        raise Unauthorized
    address = client_address()
    failed_logins().check(address)
    # Digests have one length, so that not even the length of a token shows in the time it takes.
    digest = _digest(offered[: LONGEST_TOKEN + 1])
    places = [n for n, token in enumerate(known) if hmac.compare_digest(_digest(token), digest)]
    if not places:
        failed_logins().add(address)
        log.warning("wrong token", address=address)
        raise Unauthorized
    return places[0]


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _pass(admin: AdminToken) -> None:
    g.admin = admin
    structlog.contextvars.bind_contextvars(admin=admin.name)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
