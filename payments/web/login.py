"""`/console/login` and `/console/logout`: from a token to a session, and back."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from payments.errors import TooManyAttempts, Unauthorized
from payments.web import sessions
from payments.web.auth import admin_of_token
from payments.web.errors import challenge
from payments.web.pages import safe_next

blueprint = Blueprint("login", __name__, url_prefix="/console")

log = structlog.get_logger(__name__)


@blueprint.get("/login")
def form() -> AnyResponse:
    if sessions.admin_of_session() is not None:
        return _onwards(request.args.get("next", ""))
    return _form(200, None)


@blueprint.post("/login")
def log_in() -> AnyResponse:
    try:
        admin = admin_of_token(request.form.get("token", ""))
    except Unauthorized as error:
        response = _form(error.status, "That is no admin token. It may have been revoked.")
        return challenge(response)
    except TooManyAttempts as error:
        response = _form(error.status, f"{error} Wait {error.retry_after_seconds} seconds.")
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    sessions.begin(admin)
    log.info("logged in", admin=admin.name, role=admin.role)
    return _onwards(request.form.get("next", ""))


@blueprint.post("/logout")
def log_out() -> AnyResponse:
    sessions.end()
    return redirect(url_for("login.form"), 303)


def _form(status: int, complaint: str | None) -> Response:
    wanted = safe_next(request.values.get("next", "")) or ""
    page = render_template("login.html", complaint=complaint, next=wanted)
    return Response(page, status=status)


def _onwards(wanted: str) -> AnyResponse:
    return redirect(safe_next(wanted) or url_for("console.overview"), 303)
