"""Errors as problem details (RFC 9457), and on pages as pages. Each with the id of its request;
never a stack trace.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, has_request_context
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from payments.database import DATABASE_AWAY
from payments.errors import (
    ClientError,
    SignatureError,
    TooManyAttempts,
    Unauthorized,
    Unavailable,
)
from payments.web.pages import error_page, is_page, to_login
from payments.web.requests import note, note_error

MEDIA_TYPE = "application/problem+json"


def problem_body(status: int, title: str, detail: str, request_id: str, **more: Any) -> str:
    """The members of RFC 9457, `request_id`, and `more`."""
    members = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return json.dumps({**members, "request_id": request_id, **more})


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    request_id = g.get("request_id", "") if has_request_context() else ""
    body = problem_body(status, title, detail, request_id, **more)
    return Response(body, status=status, mimetype=MEDIA_TYPE)


def challenge(response: Response) -> Response:
    """`response`, a 401, with the header that says how to authenticate (RFC 9110, 11.6.1)."""
    response.headers["WWW-Authenticate"] = 'Bearer realm="payments-api"'
    return response


def register(app: Flask) -> None:
    """Answer every error of `app` this way."""
    # A doubled slash is no address of ours; merging would answer with a redirect in HTML.
    app.url_map.merge_slashes = False
    app.register_error_handler(ClientError, _client_error)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, _not_http)
    for away in DATABASE_AWAY:
        app.register_error_handler(away, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _client_error(error: ClientError) -> Response:
    reason = error.reason if isinstance(error, SignatureError) else str(error)
    note(outcome="refused", reason=reason)
    if isinstance(error, Unauthorized):
        return (
            to_login() if is_page() else challenge(_answer(error.status, error.title, str(error)))
        )
    response = _answer(error.status, error.title, str(error))
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _answer(status: int, title: str, detail: str) -> Response:
    answer = error_page if is_page() else problem
    return answer(status, title, detail)


def _unavailable(error: Unavailable) -> Response:
    cause = error.__cause__ or error
    reason = "database away" if isinstance(cause, DATABASE_AWAY) else str(error)
    note(outcome="unavailable", reason=reason, error=type(cause).__name__)
    response = _answer(error.status, error.title, str(error))
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    detail = error.description or ""
    if isinstance(error, RequestEntityTooLarge):
        detail = "The body is larger than MAX_REQUEST_SIZE allows."
    if isinstance(error, ClientDisconnected):
        detail = "The body ended, or stopped arriving, before its announced length."
    note(outcome="refused" if status < 500 else "failed", reason=type(error).__name__)
    response = _answer(status, HTTPStatus(status).phrase, detail)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _not_http(error: ParseException) -> Response:
    """gunicorn reads a chunked body while the application asks for it; this is what it found."""
    note(outcome="refused", reason=type(error).__name__)
    return _answer(400, HTTPStatus(400).phrase, "The body is not valid HTTP.")


def _database_away(error: Exception) -> Response:
    unavailable = Unavailable()
    unavailable.__cause__ = error
    return _unavailable(unavailable)


def _unexpected(error: Exception) -> Response:
    note_error(error)
    return _answer(500, HTTPStatus(500).phrase, "Something went wrong on our side; it was logged.")
