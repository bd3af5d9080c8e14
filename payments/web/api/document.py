"""The OpenAPI document, made from the blueprints. Nothing of this is loaded by a running service.

`make docs` writes what this makes to `openapi.json`, which is what the service then serves.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from flask_smorest import Api

from payments import __version__
from payments.web.api import BLUEPRINTS
from payments.web.api.blueprint import REFUSALS
from payments.web.api.schemas.service import Problem
from payments.web.errors import MEDIA_TYPE

TITLE = "payments-api"
OPENAPI_VERSION = "3.1.0"
DESCRIPTION = """\
Receives Stripe's and PayPal's webhooks, keeps every one of them, and turns each into its effect
exactly once. This is its door for operators: look at events and payments, find out why something
failed, replay it.

**Access.** `Authorization: Bearer <token>` with one of `ADMIN_TOKEN`. A viewer's token looks; what
changes something needs an operator's, and stands in the audit log with who, what, when and why.

**Lists** come in pages, newest first. The header `Link: <…>; rel="next"` leads to the next page;
its cursor belongs to the filter that it was made for.

**Errors** are problem details (RFC 9457) with a `request_id`, which finds the request in the log.
Parameters and fields that are not known are refused, so that a misspelt filter widens nothing.

**Times** are UTC, and **amounts** are whole minor units of their currency.
"""
WORDS = {
    400: "It is no valid request, or its signature could not be verified.",
    401: "There is no valid token.",
    403: "The token is a viewer's, and this needs an operator's.",
    404: "There is nothing with this id or name.",
    409: "It is not in a state in which this could be done.",
    413: "The body is larger than MAX_REQUEST_SIZE allows.",
    414: "The address and its query are too long.",
    422: "Something that was asked does not validate; the detail says what.",
    429: "Too many wrong tokens came from this address. Retry-After says when to try again.",
    431: "The headers are too large.",
    500: "A fault of this service; it is in the log under the request's id.",
    503: "The database or Redis is away. Retry-After says when to ask again.",
}
EXAMPLES = {
    400: ("Bad signature", "The signature of this delivery could not be verified."),
    401: ("Unauthorized", 'A valid admin token is required: send it as "Authorization: Bearer …".'),
    403: ("Forbidden", "This token may look, and not change anything."),
    404: ("Not found", "There is no event with this id."),
    409: ("Conflict", "It is running; only a preview or a stopped one can run."),
    413: ("Request Entity Too Large", "The body is larger than MAX_REQUEST_SIZE allows."),
    414: ("Request-URI Too Long", "The request is not valid HTTP."),
    422: ("Invalid query", "limit: use a whole number from 1 to 500."),
    429: ("Too many attempts", "Too many wrong tokens came from this address."),
    431: ("Request Header Fields Too Large", "The request is not valid HTTP."),
    500: ("Internal Server Error", "Something went wrong on our side; it was logged."),
    503: ("Temporarily unavailable", "A dependency is away."),
}


class _Documents(Api):  # type: ignore[misc]  # it has no type information
    """flask-smorest's Api without its answers: errors have our form, and are documented so."""

    def _register_error_handlers(self) -> None:
        """The application has handlers of its own (payments/web/errors.py)."""

    def _register_pagination_header(self) -> None:
        """Pages are found by the header Link."""

    def _register_responses(self) -> None:
        """The refusals that operations name."""
        for status, name in REFUSALS.items():
            title, detail = EXAMPLES[status]
            said = {"type": "about:blank", "title": title, "status": status, "detail": detail}
            example = {**said, "request_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
            content = {MEDIA_TYPE: {"schema": Problem, "example": example}}
            self.spec.components.response(name, {"description": WORDS[status], "content": content})


def document() -> dict[str, Any]:
    """The whole document, as JSON will have it."""
    app = Flask(__name__)
    api = _Documents(
        app,
        spec_kwargs={
            "title": TITLE,
            "version": __version__,
            "openapi_version": OPENAPI_VERSION,
            "info": {
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "where this document came from"}],
        },
    )
    bearer = {"type": "http", "scheme": "bearer", "description": "One of ADMIN_TOKEN."}
    api.spec.components.security_scheme("bearer", bearer)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    made: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    return made


def as_text(made: dict[str, Any]) -> str:
    """The document as the file `openapi.json` has it."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
