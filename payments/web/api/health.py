"""`/health`: this process is alive. `/ready`: what it depends on is there."""

from __future__ import annotations

from flask import Response, jsonify

from payments import __version__
from payments.health import readiness
from payments.web.api.blueprint import ApiBlueprint
from payments.web.api.schemas.service import Health, Ready
from payments.web.errors import problem

blueprint = ApiBlueprint("health", guarded=False, description="For load balancers and monitoring")


@blueprint.get("/health")
@blueprint.answers(Health, description="It is alive.")
def health() -> Response:
    """Say that this process is alive"""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/ready")
@blueprint.answers(Ready, description="It can work.", refuses=[503])
def ready() -> Response:
    """Say whether the database, Redis and the migrations are as they should be"""
    checks = readiness()
    if all(result == "ok" for result in checks.values()):
        return jsonify(status="ok", checks=checks)
    away = ", ".join(name for name, result in checks.items() if result != "ok")
    response = problem(503, "Not ready", f"Not usable: {away}.", checks=checks)
    response.headers["Retry-After"] = "5"
    return response
