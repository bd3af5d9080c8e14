"""How the database would answer what a block of code asks: its query plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from payments.extensions import db
from tests.support.application import Application

Statement = tuple[str, Any]


@contextmanager
def statements(application: Application) -> Iterator[list[Statement]]:
    """Every SELECT that is sent in the block, with its parameters."""
    sent: list[Statement] = []

    def note(_c: Any, _cursor: Any, text: str, parameters: Any, *_more: Any) -> None:
        if text.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append((text, parameters))

    with application.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def tidy(application: Application) -> None:
    """Give the planner its statistics, as the database does by itself after a while."""
    with application.app.app_context(), db.engine.connect() as connection:
        driver = connection.execution_options(isolation_level="AUTOCOMMIT")
        is_sqlite = connection.dialect.name == "sqlite"
        driver.exec_driver_sql("ANALYZE" if is_sqlite else "VACUUM ANALYZE")


def scanned(
    application: Application, sent: list[Statement], small: tuple[str, ...] = ()
) -> set[str]:
    """The tables that these statements would read from one end to the other.

    An index that is `small`, because it has few of the rows, may be.
    """
    with application.app.app_context():
        engine = db.engine
    found: set[str] = set()
    for text, parameters in sent:
        found |= _scanned(engine, text, parameters, small)
    return found


def _scanned(engine: Engine, text: str, parameters: Any, small: tuple[str, ...]) -> set[str]:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
            scans = [row.detail.split() for row in plan if row.detail.startswith("SCAN ")]
            return {words[1] for words in scans if words[-1] not in small}
        explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", parameters)
        plan = explained.scalar_one()
        return set(_seq_scans(plan if isinstance(plan, list) else json.loads(plan)))


def _seq_scans(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for part in plan:
            yield from _seq_scans(part)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for part in plan.values():
            yield from _seq_scans(part)
