"""`/openapi.json` and `/docs`: the API's document, as it is and in Swagger UI. Both are public.

Both are files: the document is made by `make docs`, and Swagger UI comes with us, so that it works
without the internet.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, send_file

from payments.config import ROOT

DOCUMENT = ROOT / "openapi.json"
# Swagger UI draws its icons from data in its style sheet; nothing inline is needed.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    return send_file(DOCUMENT, mimetype="application/json", conditional=True, max_age=60)


@blueprint.get("/docs")
def docs() -> Response:
    response = Response(render_template("docs.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response
