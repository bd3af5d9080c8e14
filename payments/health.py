"""Whether the dependencies are there: each check by name, bounded in time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import structlog
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payments.config import ROOT
from payments.extensions import db
from payments.queueing import job_queue

log = structlog.get_logger(__name__)


class CheckFailed(Exception):
    """Why a dependency cannot be used, in words that may be shown to anybody."""


def check_database() -> None:
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise CheckFailed("does not answer") from error


def check_redis() -> None:
    try:
        job_queue().ping()
    except (RedisError, OSError) as error:
        raise CheckFailed("does not answer") from error


def check_migrations() -> None:
    try:
        with db.engine.connect() as connection:
            current = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        raise CheckFailed("the database does not answer") from error
    if current != newest_migrations():
        raise CheckFailed("not up to date: run make db-upgrade")


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "redis": check_redis,
    "migrations": check_migrations,
}


def readiness() -> dict[str, str]:
    """The result of each check by its name: "ok", or why not."""
    results = {}
    for name, check in CHECKS.items():
        try:
            check()
            results[name] = "ok"
        except CheckFailed as failure:
            results[name] = str(failure)
            log.warning("not ready", check=name, reason=str(failure))
    return results


@cache
def newest_migrations() -> set[str]:
    """The heads of the migrations that this code comes with."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return set(ScriptDirectory.from_config(config).get_heads())
