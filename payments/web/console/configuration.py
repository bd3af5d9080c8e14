"""Configuration: what is set and where, and never a value; the verdict; which secrets are used."""

from __future__ import annotations

from flask import render_template

from payments.checking import check_all
from payments.database import DATABASE_AWAY, snapshot
from payments.extensions import settings
from payments.handlers.registry import registered
from payments.secret_uses import KnownSecret, known_secrets
from payments.web.console.blueprint import blueprint


@blueprint.get("/configuration")
def configuration() -> str:
    current = settings()
    return render_template(
        "console/configuration.html",
        settings=current,
        verdict=check_all(current),
        secrets=_secrets(),
        handlers=registered(),
        origins={name: origin for name, origin in current.origins.items() if origin},
        unset=[name for name, origin in current.origins.items() if not origin],
    )


def _secrets() -> list[KnownSecret] | None:
    """None where the database is away: the rest of the page says so, and is still worth reading."""
    try:
        with snapshot() as session:
            return known_secrets(session, settings().providers)
    except DATABASE_AWAY:
        return None
