"""`/health`: this process is alive. `/ready`: what it depends on is there."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from payments import __version__
from payments.health import readiness
from payments.web.errors import problem

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    return jsonify(status="ok", version=__version__)


@blueprint.get("/ready")
def ready() -> Response:
    checks = readiness()
    if all(result == "ok" for result in checks.values()):
        return jsonify(status="ok", checks=checks)
    away = ", ".join(name for name, result in checks.items() if result != "ok")
    response = problem(503, "Not ready", f"Not usable: {away}.", checks=checks)
    response.headers["Retry-After"] = "5"
    return response
