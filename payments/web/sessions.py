"""The console's sessions: a signed cookie that names its admin token by a fingerprint.

Nothing is kept on the server. A session ends with its token (removed from `ADMIN_TOKEN`, or given
another name or role), an hour after it was last used, and twelve hours after it began.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

from flask import Flask, session

from payments.access import AdminToken
from payments.config import Settings
from payments.extensions import settings

COOKIE = "payments"
# Browsers take a cookie of this name only over HTTPS, from this host, for all of its paths.
PRODUCTION_COOKIE = f"__Host-{COOKIE}"
IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
# Not with every answer: one that is still on its way must not undo a logout.
RENEWAL_SECONDS = 300


def configure(app: Flask, settings: Settings) -> None:
    """Flask signs the cookie, and refuses one whose signature is older than `IDLE`."""
    newest, *older = settings.session_secrets
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME=PRODUCTION_COOKIE if settings.is_production else COOKIE,
        SESSION_COOKIE_SECURE=settings.is_production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=IDLE,
    )


def begin(admin: AdminToken) -> None:
    """A new session; nothing of what the browser had before is in it."""
    now = int(time.time())
    session.clear()
    session.permanent = True
    session.update(token=_fingerprint(admin), began=now, seen=now)


def end() -> None:
    """The browser forgets its cookie. A copy of it lives on until it expires, or its token goes."""
    session.clear()


def admin_of_session() -> AdminToken | None:
    """Who is logged in; None where nobody is, or is any more."""
    named, began = session.get("token"), session.get("began", 0)
    now = int(time.time())
    if named is None or not 0 <= now - began <= LONGEST.total_seconds():
        return None
    known = [
        admin
        for admin in settings().admin_tokens
        if hmac.compare_digest(_fingerprint(admin), named)
    ]
    if known and now - session["seen"] >= RENEWAL_SECONDS:
        session["seen"] = now
    return known[0] if known else None


def _fingerprint(admin: AdminToken) -> str:
    """Says nothing about the token, and changes with its name and its role."""
    said = f"console session:{admin.name}:{admin.role}".encode()
    return hmac.new(admin.token.encode(), said, hashlib.sha256).hexdigest()
