"""Security headers: on every answer, and what only pages, or only production, need.

A few lines instead of Flask-Talisman: docs/adr/0008-access.md.
"""

from __future__ import annotations

from flask import Flask, Response, request

from payments.extensions import settings
from payments.web.pages import is_page

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: over HTTPS the check of forms compares the referrer with the host.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "img-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
YEAR_SECONDS = 365 * 24 * 3600


def register(app: Flask) -> None:
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    if is_page():
        response.headers["Content-Security-Policy"] = PAGE_POLICY
    if is_page() or request.path.startswith("/admin/"):
        # What is behind the login stays in no cache, that of the browser's back button included.
        response.headers["Cache-Control"] = "no-store"
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if settings().is_production:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
    return response
