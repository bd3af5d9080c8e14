"""`/console`: what the person on call sees first, in parts that refresh themselves."""

from __future__ import annotations

from flask import render_template
from redis.exceptions import RedisError

from payments.database import DATABASE_AWAY
from payments.errors import NotFound, Unavailable
from payments.health import readiness
from payments.web.console.blueprint import blueprint
from payments.web.console.overview_parts import PARTS, Part, Shown

AWAY = (*DATABASE_AWAY, RedisError, OSError)


@blueprint.get("", strict_slashes=False)
def overview() -> str:
    checks = readiness()
    # Without these two there is nothing to count.
    countable = checks["database"] == checks["migrations"] == "ok"
    shown = {part.name: _try(part) if countable else None for part in PARTS}
    shown["dependencies"] = {"checks": checks}
    return render_template("console/overview.html", parts=PARTS, shown=shown)


@blueprint.get("/overview/<name>")
def overview_part(name: str) -> str:
    """One part anew. What cannot be read is an error: the part that is shown stays."""
    part = next((part for part in PARTS if part.name == name), None)
    if part is None:
        raise NotFound("There is no such part of the overview.")
    shown = _try(part)
    if shown is None:
        raise Unavailable("A dependency is away, so this part could not be read anew.")
    return render_template(part.template, it=shown)


def _try(part: Part) -> Shown | None:
    try:
        return part.look()
    except AWAY:
        return None
